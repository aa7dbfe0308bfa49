// Streamable HTTP by hand: requests one by one, and the events of each response.
import { expect, vi } from 'vitest'
import type { Headless } from '../hosts/headless.ts'
import { toObject, type JsonObject } from '../servers/json-values.ts'
import { defaultDeadline, withDeadline } from './deadline.ts'
import { EventStreamReader, type StreamEvent } from './event-stream.ts'

/** A session over Streamable HTTP, written by hand. */
export class HandSession {
  readonly #app: Headless
  readonly #path: string
  #id: string | undefined

  constructor(app: Headless, place = '/mcp') {
    this.#app = app
    this.#path = place
  }

  get id(): string {
    return this.#id ?? ''
  }

  async open(protocolVersion = '2025-11-25'): Promise<JsonObject> {
    const clientInfo = { name: 'by hand', version: '1' }
    const params = { protocolVersion, capabilities: { elicitation: {}, sampling: {}, roots: {} }, clientInfo }
    const response = await this.post({ id: 'open', method: 'initialize', params })
    this.#id = response.headers.get('mcp-session-id') ?? undefined
    const { result } = toObject(await response.json())
    await this.post({ method: 'notifications/initialized' })
    return toObject(result)
  }

  post(message: JsonObject, headers: Record<string, string> = {}): Promise<Response> {
    const type = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    return this.#fetch({ method: 'POST', body, headers: { ...type, ...headers } })
  }

  call(id: number, name: string, given: JsonObject = {}, meta: JsonObject = {}): Promise<Response> {
    return this.post({ id, method: 'tools/call', params: { name, arguments: given, _meta: meta } })
  }

  listen(lastEventId?: string): Promise<Response> {
    const last = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    return this.#fetch({ headers: { accept: 'text/event-stream', ...last } })
  }

  delete(): Promise<Response> {
    return this.#fetch({ method: 'DELETE', headers: {} })
  }

  /** Waits until a tool is there. */
  async waitForTool(name: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const response = await this.post({ id: 'list', method: 'tools/list' })
        expect(await response.text()).toContain(`"${name}"`)
      },
      { timeout: defaultDeadline },
    )
  }

  #fetch({
    headers,
    ...init
  }: {
    method?: string
    body?: string
    headers: Record<string, string>
  }): Promise<Response> {
    const session = this.#id === undefined ? {} : { 'mcp-session-id': this.#id }
    const token = { authorization: `Bearer ${this.#app.token}` }
    return fetch(this.#app.ready.url! + this.#path, {
      ...init,
      headers: { ...token, ...session, ...headers },
    })
  }
}

/** Reads the events of a response, one at a time. */
export class HandEvents {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #events: StreamEvent[] = []
  readonly #parser = new EventStreamReader((event) => this.#events.push(event))

  constructor(response: Response) {
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    this.#reader = response.body!.getReader()
  }

  /** The next event with or without data; undefined at the end. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      const { done, value } = await withDeadline(this.#reader.read(), defaultDeadline, () => 'no event came')
      if (done) return undefined
      this.#parser.push(Buffer.from(value))
    }
  }

  /** The next event that carries a message. */
  async nextMessage(): Promise<JsonObject> {
    for (;;) {
      const event = await this.next()
      if (event === undefined) throw new Error('The stream ended.')
      if (event.data !== undefined && event.data.length > 0)
        return toObject(JSON.parse(event.data.toString()))
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }
}

/** A session that is open. */
export async function openByHand(app: Headless, place?: string): Promise<HandSession> {
  const session = new HandSession(app, place)
  await session.open()
  return session
}
