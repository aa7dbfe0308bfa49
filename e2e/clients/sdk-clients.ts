// The clients of both SDK lines, behind one face, each on a process that it starts itself or over HTTP.
import {
  Client as ClientTwo,
  SSEClientTransport as SseTwo,
  StreamableHTTPClientTransport as HttpTwo,
} from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioTwo } from '@modelcontextprotocol/client/stdio'
import { Client as ClientOne } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as SseOne } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport as StdioOne } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpOne } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../servers/json-values.ts'
import type { HttpTarget } from './http-link.ts'

/** A program of Node that speaks MCP on stdin and stdout. */
interface Program {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** An HTTP endpoint, by which of the two transports. */
interface Endpoint {
  readonly kind: 'http' | 'sse'
  readonly target: HttpTarget
}

/** Where a server is. */
export type Place = Program | Endpoint

/** What a call may be given besides its arguments. */
interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: { progress: number; message?: string | undefined }) => void
}

/** What both lines can do, and what of it the journeys look at. */
export interface SdkClient {
  readonly serverName: string | undefined
  listToolNames(): Promise<string[]>
  listResourceUris(): Promise<string[]>
  listPromptNames(): Promise<string[]>
  callTool(name: string, args: JsonObject, options?: CallOptions): Promise<string>
  readResource(uri: string): Promise<unknown>
  getPrompt(name: string, args: Record<string, string>): Promise<unknown>
  complete(prompt: string, argument: { name: string; value: string }): Promise<string[]>
  /** Calls the listener with each tools/list_changed. */
  onToolsChanged(listener: () => void): void
  close(): Promise<void>
}

/** Answers that every client gives when a server asks. */
const answers = {
  sampling: { role: 'assistant', model: 'a model', content: { type: 'text', text: 'a sample' } },
  elicitation: { action: 'accept', content: { name: 'Ada' } },
  roots: { roots: [{ uri: 'file:///a/root', name: 'a root' }] },
} as const

const info = { name: 'sdk-client', version: '1.0.0' }
const capabilities = { sampling: {}, elicitation: {}, roots: {} }

function toCommand({ args, env }: Program): {
  command: string
  args: string[]
  env: Record<string, string>
  stderr: 'ignore'
} {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { command: process.execPath, args: [...args], env: Object.fromEntries(given), stderr: 'ignore' }
}

function createTransportOne(place: Place): Parameters<ClientOne['connect']>[0] {
  if ('args' in place) return new StdioOne(toCommand(place))
  const url = new URL(place.target.url)
  const options = { requestInit: { headers: { ...place.target.headers } } }
  if (place.kind === 'http') return new HttpOne(url, options)
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the old transport is what is tried here
  return new SseOne(url, options)
}

function createTransportTwo(place: Place): Parameters<ClientTwo['connect']>[0] {
  if ('args' in place) return new StdioTwo(toCommand(place))
  const url = new URL(place.target.url)
  const options = { requestInit: { headers: { ...place.target.headers } } }
  if (place.kind === 'http') return new HttpTwo(url, options)
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the old transport is what is tried here
  return new SseTwo(url, options)
}

function toText(result: JsonObject): string {
  const content = result['content'] as { text?: string }[]
  return content.map((block) => block.text ?? '').join('\n')
}

/** Opens a session with `@modelcontextprotocol/sdk`, the 1.x line. */
export async function openSdkOne(place: Place): Promise<SdkClient> {
  const client = new ClientOne(info, { capabilities })
  client.setRequestHandler(CreateMessageRequestSchema, () => answers.sampling)
  client.setRequestHandler(ElicitRequestSchema, () => answers.elicitation)
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [...answers.roots.roots] }))
  await client.connect(createTransportOne(place))
  return {
    serverName: client.getServerVersion()?.name,
    listToolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
    listResourceUris: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    listPromptNames: async () => (await client.listPrompts()).prompts.map((prompt) => prompt.name),
    callTool: async (name, args, options) =>
      toText(await client.callTool({ name, arguments: args }, undefined, options)),
    readResource: async (uri) => (await client.readResource({ uri })).contents,
    getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    complete: async (name, argument) =>
      (await client.complete({ ref: { type: 'ref/prompt', name }, argument })).completion.values,
    onToolsChanged: (listener) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, listener)
    },
    close: () => client.close(),
  }
}

/** Opens a session with `@modelcontextprotocol/client`, the 2.x line. */
export async function openSdkTwo(place: Place, mode: 'legacy' | 'auto'): Promise<SdkClient> {
  const client = new ClientTwo(info, { capabilities, versionNegotiation: { mode } })
  client.setRequestHandler('sampling/createMessage', () => answers.sampling)
  client.setRequestHandler('elicitation/create', () => answers.elicitation)
  client.setRequestHandler('roots/list', () => ({ roots: [...answers.roots.roots] }))
  await client.connect(createTransportTwo(place))
  return {
    serverName: client.getServerVersion()?.name,
    listToolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
    listResourceUris: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    listPromptNames: async () => (await client.listPrompts()).prompts.map((prompt) => prompt.name),
    callTool: async (name, args, options) =>
      toText(await client.callTool({ name, arguments: args }, options)),
    readResource: async (uri) => (await client.readResource({ uri })).contents,
    getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    complete: async (name, argument) =>
      (await client.complete({ ref: { type: 'ref/prompt', name }, argument })).completion.values,
    onToolsChanged: (listener) => {
      client.setNotificationHandler('notifications/tools/list_changed', listener)
    },
    close: () => client.close(),
  }
}
