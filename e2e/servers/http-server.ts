// Serves a test server's plan over HTTP: Streamable HTTP at /mcp, the old HTTP+SSE at /sse and /messages. Besides, GET
// /record gives every request so far as JSON, and POST /control with `{"forget":true}` forgets all sessions, with
// `{"cut":true}` cuts all standalone streams, and with `{"faults":[…]}` sets the faults.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toFaultRules, type FaultBook, type MetFault } from './fault-book.ts'
import { deliveries, refusals, type FaultScene } from './http-faults.ts'
import type { HttpOptions } from './http-options.ts'
import { toRecordedRequest, type RecordedRequest } from './http-record.ts'
import { HttpSession } from './http-session.ts'
import { findMembers } from './json-span.ts'
import { parseObject } from './json-values.ts'
import type { ServerPlan } from './kit.ts'

/** One HTTP request, its body read. */
interface Received {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly body: Buffer
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function sendJson(response: ServerResponse, status: number, value: unknown, headers = {}): void {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  })
  response.end(body)
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  sendJson(response, status, { jsonrpc: '2.0', id: null, error: { code, message } })
}

/** Hands a notification or an answer to its client's peer. */
function takeQuietLine(session: HttpSession, line: Buffer): void {
  if (findMembers(line).has('method')) session.peer.takeNotification(line)
  else session.peer.takeAnswer(line)
}

function readKind(line: Buffer): { readonly method: string | undefined; readonly isRequest: boolean } {
  const members = findMembers(line)
  const method = members.get('method')
  return {
    method: method && (JSON.parse(line.toString('utf8', method.start, method.end)) as string),
    isRequest: method !== undefined && members.has('id'),
  }
}

class HttpTestServer {
  readonly #plan: ServerPlan
  readonly #options: HttpOptions
  readonly #faults: FaultBook | undefined
  readonly #record: RecordedRequest[] = []
  readonly #sessions = new Map<string, HttpSession>()
  /** For all clients of a server without sessions. */
  readonly #everybody: HttpSession

  constructor(plan: ServerPlan, options: HttpOptions, faults: FaultBook | undefined) {
    this.#plan = plan
    this.#options = options
    this.#faults = faults
    this.#everybody = new HttpSession(options)
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request)
    const url = new URL(request.url ?? '/', 'http://localhost')
    const received = { request, response, url, body }
    if (url.pathname === '/record') {
      sendJson(response, 200, this.#record)
      return
    }
    if (url.pathname === '/control') {
      this.#control(body)
      sendJson(response, 200, {})
      return
    }
    this.#record.push(toRecordedRequest(request, body))
    const path = url.pathname.replace(/^\/moved/, '')
    const key = `${request.method ?? ''} ${path}`
    if (key === 'POST /mcp' && this.#options.streamable) await this.#post(received)
    else if (key === 'GET /mcp' && this.#options.streamable) this.#get(received)
    else if (key === 'DELETE /mcp' && this.#options.streamable) this.#delete(received)
    else if (key === 'GET /sse') this.#openSse(received)
    else if (key === 'POST /messages') await this.#postMessage(received)
    else if (path === '/sse') response.writeHead(405, { allow: 'GET' }).end()
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('Nothing is here.')
  }

  #control(body: Buffer): void {
    const wanted = parseObject(body)
    if (wanted['forget'] === true) this.#sessions.clear()
    if (wanted['cut'] === true) for (const session of this.#sessions.values()) session.standalone.cut()
    if (wanted['faults'] !== undefined) this.#faults?.replace(toFaultRules(wanted['faults']))
  }

  #toScene({ request, response }: Received, args: FaultScene['args']): FaultScene {
    return {
      request,
      response,
      args,
      forget: () => {
        this.#sessions.clear()
      },
    }
  }

  /** Refuses the request if that is its fault. */
  #isRefused(received: Received, fault: MetFault | undefined): boolean {
    const refusal = fault && refusals[fault.name]
    refusal?.(this.#toScene(received, fault!.args))
    return refusal !== undefined
  }

  /** The session of a request; undefined when it was refused for want of one. */
  #findSession({ request, response }: Received): HttpSession | undefined {
    if (!this.#options.sessions) return this.#everybody
    const id = request.headers['mcp-session-id']
    const session = typeof id === 'string' ? this.#sessions.get(id) : undefined
    if (session !== undefined) return session
    if (id === undefined) refuse(response, 400, -32000, 'Bad Request: Mcp-Session-Id header is required')
    else if (this.#options.expiredStatus === 404) refuse(response, 404, -32001, 'Session not found')
    else refuse(response, 400, -32000, 'Bad Request: No valid session ID provided')
    return undefined
  }

  #openSession(): HttpSession {
    const session = new HttpSession(this.#options)
    this.#sessions.set(session.id, session)
    return session
  }

  async #post(received: Received): Promise<void> {
    const { response, body } = received
    const { method, isRequest } = readKind(body)
    const fault = this.#faults?.meet(method ?? 'answer', body)
    if (this.#isRefused(received, fault)) return
    const opens = method === 'initialize' && this.#options.sessions
    const session = opens ? this.#openSession() : this.#findSession(received)
    if (session === undefined) return
    if (opens) response.setHeader('mcp-session-id', session.id)
    if (!isRequest) {
      takeQuietLine(session, body)
      response.writeHead(202).end()
      return
    }
    const delivery = fault && deliveries[fault.name]
    if (delivery === undefined && this.#options.answers === 'stream') {
      await session.answerWithStream(this.#plan, body, response)
      return
    }
    const answer = await session.answer(this.#plan, body)
    if (answer === undefined) return
    if (delivery === undefined) sendJson(response, 200, answer)
    else await delivery(this.#toScene(received, fault!.args), answer)
  }

  #get(received: Received): void {
    const { request, response } = received
    if (this.#isRefused(received, this.#faults?.meet('GET'))) return
    if (!this.#options.standalone && request.headers['last-event-id'] === undefined) {
      response.writeHead(405, { allow: 'POST' }).end()
      return
    }
    const session = this.#findSession(received)
    if (session === undefined) return
    const lastEventId = request.headers['last-event-id']
    if (typeof lastEventId !== 'string') session.standalone.attach(response)
    else if (!session.resume(lastEventId, response)) refuse(response, 400, -32000, 'Unknown event')
  }

  #delete(received: Received): void {
    const { request, response } = received
    if (this.#isRefused(received, this.#faults?.meet('DELETE'))) return
    if (!this.#options.deletes || !this.#options.sessions) {
      response.writeHead(405, { allow: 'GET, POST' }).end()
      return
    }
    const session = this.#findSession(received)
    if (session === undefined) return
    this.#sessions.delete(String(request.headers['mcp-session-id']))
    session.standalone.end()
    response.writeHead(200).end()
  }

  #openSse(received: Received): void {
    const { response } = received
    if (this.#isRefused(received, this.#faults?.meet('GET'))) return
    const session = this.#openSession()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write(`event: endpoint\ndata: /messages?sessionId=${session.id}\n\n`)
    session.standalone.attach(response)
    response.on('close', () => this.#sessions.delete(session.id))
  }

  async #postMessage(received: Received): Promise<void> {
    const { response, url, body } = received
    const { method, isRequest } = readKind(body)
    if (this.#isRefused(received, this.#faults?.meet(method ?? 'answer', body))) return
    const session = this.#sessions.get(url.searchParams.get('sessionId') ?? '')
    if (session === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Session not found')
      return
    }
    response.writeHead(202).end('Accepted')
    if (!isRequest) {
      takeQuietLine(session, body)
      return
    }
    const answer = await session.answer(this.#plan, body)
    if (answer !== undefined) session.standalone.send(answer)
  }
}

/**
 * Serves until stdin ends, then exits 0. Prints one line once it listens: `{"url":"http://127.0.0.1:PORT"}`. The port
 * taken: exits 1. A body that is no JSON object ends the process with 70, so that a test cannot miss it.
 */
export function serveHttp(plan: ServerPlan, options: HttpOptions, faults?: FaultBook): void {
  const testServer = new HttpTestServer(plan, options, faults)
  const server = createServer((request, response) => {
    testServer.take(request, response).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      // A request that broke off while its body was read is the client's business.
      if (!request.complete) return
      process.exit(70)
    })
  })
  server.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  server.listen(options.port, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
  })
  process.stdin.resume().on('end', () => {
    process.exit(0)
  })
}
