import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { Inbox } from './inbox.ts'

/** A message as a test wants it: JSON without the version. */
export type BenchMessage = Readonly<Record<string, unknown>>

/** A request that came to the bench, and the answer that the test writes to it. */
export class BenchRequest {
  readonly method: string
  /** With the query; a whole address where it came as to a proxy. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Settles when the other side has cut the connection, or the answer is complete. */
  readonly closed: Promise<void>
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse, body: string) {
    this.method = request.method ?? ''
    this.path = request.url ?? ''
    this.headers = request.headers
    this.body = body
    this.#response = response
    this.closed = new Promise((resolve) => {
      response.once('close', resolve)
    })
  }

  /** The JSON-RPC message that it brought; nothing where it brought none. */
  get message(): { readonly id?: number; readonly method?: string; readonly params?: BenchMessage } {
    return this.body === '' ? {} : (JSON.parse(this.body) as object)
  }

  /** Answers as a whole. */
  answer(status: number, headers: Readonly<Record<string, string>> = {}, body: string | Buffer = ''): this {
    this.#response.writeHead(status, headers)
    this.#response.end(body)
    return this
  }

  /** Answers with JSON. */
  json(body: unknown, headers: Readonly<Record<string, string>> = {}): this {
    this.answer(200, { 'content-type': 'application/json', ...headers }, JSON.stringify(body))
    return this
  }

  /** Answers the JSON-RPC request in it. */
  result(result: unknown = {}, headers: Readonly<Record<string, string>> = {}): this {
    this.json({ jsonrpc: '2.0', id: this.message.id, result }, headers)
    return this
  }

  /** Begins an answer that goes on. */
  begin(status: number, headers: Readonly<Record<string, string>> = {}): this {
    this.#response.writeHead(status, headers)
    this.#response.flushHeaders()
    return this
  }

  /** Begins an event stream. */
  stream(headers: Readonly<Record<string, string>> = {}): this {
    return this.begin(200, { 'content-type': 'text/event-stream', ...headers })
  }

  write(text: string | Buffer): boolean {
    return this.#response.write(text)
  }

  /** Sends an event with a JSON-RPC message. */
  event(message: BenchMessage, id?: string): this {
    const line = id === undefined ? '' : `id: ${id}\n`
    this.write(`${line}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
    return this
  }

  end(text = ''): this {
    this.#response.end(text)
    return this
  }

  /** Cuts the connection. */
  cut(): this {
    this.#response.socket?.destroy()
    return this
  }
}

/** An HTTP server whose answers a test writes by hand, unless a rule answers. It remembers every request. */
export class HttpBench {
  /** Every request, in order, those that a rule answered as well. */
  readonly requests: BenchRequest[] = []
  readonly origin: string
  readonly server: Server
  /** Answers what the test need not see; returns whether it did. */
  rule: (request: BenchRequest) => boolean = () => false
  readonly #inbox = new Inbox<BenchRequest>('HTTP', ({ method, path, body }) => `${method} ${path} ${body}`)
  readonly #sockets = new Set<Socket>()

  constructor(server: Server, origin: string) {
    this.server = server
    this.origin = origin
    server.on('request', (request, response) => {
      this.#receive(request, response)
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  get url(): string {
    return `${this.origin}/mcp`
  }

  /** How many connections to it are open. */
  get connections(): number {
    return this.#sockets.size
  }

  /** The messages that were posted so far, by method; answers have none. */
  get posted(): (string | undefined)[] {
    return this.requests.filter(({ method }) => method === 'POST').map(({ message }) => message.method)
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const one = new BenchRequest(request, response, Buffer.concat(parts).toString())
      this.requests.push(one)
      if (!this.rule(one)) this.#inbox.push(one)
    })
    request.on('error', () => undefined)
  }

  /** The next request of an HTTP method that nobody answered. */
  next(method: string): Promise<BenchRequest> {
    return this.#inbox.take(method, (request) => request.method === method)
  }

  /** The next posted message of a JSON-RPC method. */
  nextPost(method: string): Promise<BenchRequest> {
    return this.#inbox.take(method, (request) => {
      return request.method === 'POST' && request.message.method === method
    })
  }

  /** Cuts all connections. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Starts an HTTP server, or an HTTPS server with a key; it ends with the test. */
export async function openHttpBench(secure?: { key: string; cert: string }): Promise<HttpBench> {
  const server = secure === undefined ? createServer() : createSecureServer(secure)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const bench = new HttpBench(server, `${secure === undefined ? 'http' : 'https'}://127.0.0.1:${port}`)
  onTestFinished(async () => {
    bench.cutAll()
    await new Promise((resolve) => server.close(resolve))
  })
  return bench
}
