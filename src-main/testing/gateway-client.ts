import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { Inbox } from './inbox.ts'
import { toLine, toWireMessage, type WireMessage } from './wire-message.ts'

/** A request as a test writes it. */
export interface TestRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

/** One event of a stream; `data` is undefined where there is only a comment. */
export interface ReceivedEvent {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

/** A response from its head on. */
export class TestResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly events = new Inbox<ReceivedEvent>('stream', (event) => JSON.stringify(event))
  /** All of its body, once it is over, also where its connection was cut. */
  readonly ended: Promise<string>
  readonly #response: IncomingMessage

  constructor(response: IncomingMessage) {
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    let text = ''
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const pieces = (rest + chunk).split('\n\n')
      rest = pieces.pop() ?? ''
      for (const piece of pieces) this.events.push(toEvent(piece))
    })
    // A connection that is cut is what some tests want.
    response.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      response.on('close', () => {
        resolve(text)
      })
    })
  }

  /** Its body as JSON. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.ended)
  }

  /** Its body as a message. */
  async message(): Promise<WireMessage> {
    return toWireMessage(await this.ended)
  }

  /** The next event that carries a message. */
  async nextMessage(): Promise<WireMessage> {
    const { data } = await this.events.take(
      'a message',
      (event) => event.data !== undefined && event.data !== '',
    )
    return toWireMessage(data ?? '')
  }

  /** Stops reading. */
  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#response.destroy()
  }
}

function toEvent(text: string): ReceivedEvent {
  const fields = text.split('\n').map((line) => {
    const at = line.indexOf(': ')
    return [line.slice(0, at), line.slice(at + 2)]
  })
  return Object.fromEntries(fields.filter(([name]) => name !== '')) as ReceivedEvent
}

/** Sends a request and gives the response as soon as its head is there. The connection ends with the test. */
export function send(url: string, options: TestRequest = {}): Promise<TestResponse> {
  return untilAnswered(begin(url, options).end(options.body))
}

/** Begins a request whose body the test writes. */
export function begin(url: string, { method = 'GET', path = '/', headers = {} }: TestRequest): ClientRequest {
  const { hostname, port } = new URL(url)
  const outgoing = request({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    method,
    path,
    headers: headers as Record<string, string>,
    agent: false,
  })
  onTestFinished(() => void outgoing.destroy())
  return outgoing
}

/** The response to a request that was sent. */
export function untilAnswered(outgoing: ClientRequest): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', (response) => {
      resolve(new TestResponse(response))
    })
    outgoing.on('error', reject)
  })
}

/** Writes bytes to a port as they are, and gives all that comes back until the other side closes. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  // Cut off is closed as well.
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return received
}

/** A client of Streamable HTTP, written by hand. */
export class HttpTestClient {
  readonly #url: string
  readonly #path: string
  readonly #headers: Record<string, string>
  #nextId = 1
  #last: ClientRequest | undefined

  constructor(url: string, path: string, token: string | undefined) {
    this.#url = url
    this.#path = path
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  }

  get sessionId(): string | undefined {
    return this.#headers['Mcp-Session-Id']
  }

  /** Opens a session. */
  async open(protocolVersion = '2025-11-25', capabilities = '{}'): Promise<WireMessage> {
    delete this.#headers['Mcp-Session-Id']
    const params = `{"protocolVersion":"${protocolVersion}","capabilities":${capabilities},"clientInfo":{"name":"tester","version":"1"}}`
    const response = await this.post(toLine('initialize', params, String(this.#nextId++)))
    const id = response.headers['mcp-session-id']
    if (typeof id === 'string') this.#headers['Mcp-Session-Id'] = id
    return response.message()
  }

  /** Posts a body as it is. */
  post(body: string, headers: Readonly<Record<string, string>> = {}): Promise<TestResponse> {
    const type = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
    return this.#send({ method: 'POST', body, headers: { ...type, ...headers } })
  }

  /** Posts a request under the next number. `params` is JSON. */
  request(method: string, params?: string): Promise<TestResponse> {
    return this.post(toLine(method, params, String(this.#nextId++)))
  }

  /** Calls a tool. */
  call(tool: string, params = '{}'): Promise<TestResponse> {
    return this.request('tools/call', `{"name":${JSON.stringify(tool)},"arguments":{},"_meta":${params}}`)
  }

  /** Opens a stream, to go on from an event where one is given. */
  listen(lastEventId?: string): Promise<TestResponse> {
    const last = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
    return this.#send({ method: 'GET', headers: { Accept: 'text/event-stream', ...last } })
  }

  /** Ends the session. */
  delete(): Promise<TestResponse> {
    return this.#send({ method: 'DELETE' })
  }

  /** Cuts the connection of the last request, whether it was answered or not. */
  cutLast(): void {
    this.#last?.destroy()
  }

  #send(options: TestRequest): Promise<TestResponse> {
    const headers = { ...this.#headers, ...options.headers }
    const outgoing = begin(this.#url, { path: this.#path, ...options, headers })
    this.#last = outgoing
    return untilAnswered(outgoing.end(options.body))
  }
}
