// What a client sees, in short.
import { expect } from 'vitest'
import type { JsonObject } from '../servers/json-values.ts'
import type { RawClient, WaitOptions } from './raw-client.ts'
import type { WireError } from './message.ts'

/** Lists by the method that gives them, and what names an item of each. */
const lists = {
  tools: { method: 'tools/list', key: 'name' },
  prompts: { method: 'prompts/list', key: 'name' },
  resources: { method: 'resources/list', key: 'uri' },
  resourceTemplates: { method: 'resources/templates/list', key: 'uriTemplate' },
} as const

/** Names or URIs of one list, in order. */
export async function readNames(client: RawClient, list: keyof typeof lists): Promise<string[]> {
  const { method, key } = lists[list]
  const result = await client.result(method)
  return (result[list] as JsonObject[]).map((item) => String(item[key]))
}

/** Asks for tools until a name is there. */
export async function waitForTool(client: RawClient, name: string): Promise<void> {
  let mark = client.mark()
  while (!(await readNames(client, 'tools')).includes(name)) {
    await client.waitForNotification('notifications/tools/list_changed', { after: mark })
    mark = client.mark()
  }
}

/** The error that a request is answered with; fails when it has a result. */
export async function readError(client: RawClient, method: string, params?: unknown): Promise<WireError> {
  const answer = await client.request(method, params)
  if (answer.error === undefined) throw new Error(`No error but ${answer.excerpt()}`)
  return answer.error
}

/** The error of calling a tool. */
export function readCallError(client: RawClient, name: string, args: JsonObject = {}): Promise<WireError> {
  return readError(client, 'tools/call', { name, arguments: args })
}

/** The first text of a resource's contents. */
export async function readResource(client: RawClient, uri: string): Promise<JsonObject> {
  const result = await client.result('resources/read', { uri })
  return (result['contents'] as JsonObject[])[0] ?? {}
}

/** Runs something and gives how long it took, in milliseconds. */
export async function time<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly took: number }> {
  const start = performance.now()
  const value = await run()
  return { value, took: performance.now() - start }
}

/** Waits until a list is said to have changed. */
export async function waitForChange(
  client: RawClient,
  list: 'tools' | 'prompts' | 'resources',
  options?: WaitOptions,
): Promise<void> {
  await client.waitForNotification(`notifications/${list}/list_changed`, options)
}

/**
 * Resolves when everything has come that was sent before. Over HTTP an answer may overtake what was sent before it on
 * another stream; what is asked after that answer does not.
 */
export async function settle(client: RawClient): Promise<void> {
  await client.result('ping')
  await client.result('ping')
}

/** `expect.poll` with time enough for a busy machine. */
export function eventually<T>(
  read: () => T,
  options: { interval?: number; timeout?: number } = {},
): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 10_000, ...options })
}
