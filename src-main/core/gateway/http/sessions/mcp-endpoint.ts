import type { IncomingMessage } from 'node:http'
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client'
import { bytesAt, parseMessage, rpcCodes, type RpcMessage, type RpcRequest } from '#base/json-rpc.ts'
import type { Config } from '../../../config/config.ts'
import type { Logger } from '../../../observe/logger.ts'
import type { Router } from '../../../router/router.ts'
import { sendEmpty, sendRefusal, toRpcBody, type Refusal, type Reply } from '../answers.ts'
import { readBody, toOneLine } from '../body.ts'
import type { RequestHead } from '../guards/request-head.ts'
import { HttpSession, sessionGone } from './http-session.ts'
import { accepts, isJson, isPlainEncoding } from './media-types.ts'
import type { SessionTable } from './session-table.ts'
import type { SseSession } from './sse-session.ts'

/** A request that may come in. */
export interface Visit {
  readonly request: IncomingMessage
  readonly reply: Reply
  readonly head: RequestHead
  /** Whether it showed the access token. */
  readonly isWithToken: boolean
}

/** What the endpoints of MCP need. */
export interface EndpointParts {
  readonly router: Router
  /** What holds for requests that come after a change. */
  readonly limits: Config['limits']
  readonly sessions: SessionTable<HttpSession | SseSession>
  readonly logger: Logger
  /** How long a stream may take nothing while its client is congested, in milliseconds. */
  readonly stallMs: number
}

const revisions = new Set<string>(SUPPORTED_PROTOCOL_VERSIONS)
const [json, eventStream] = ['application/json', 'text/event-stream']

/** Streamable HTTP (MCP 2025-11-25, "Transports"), for the whole and for each server alone. */
export class McpEndpoint {
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  handle(visit: Visit, server: string | undefined): void {
    const { request, reply, head } = visit
    const refusal = this.#findRefusal(visit, server)
    if (refusal !== undefined) refuse(reply, refusal)
    else if (head.sessionId === undefined) this.#onStranger(visit, server)
    else {
      const session = this.#find(head.sessionId, server)
      if (session === undefined) refuse(reply, sessionGone)
      else if (request.method === 'POST') this.#onPost(visit, session)
      else if (request.method === 'GET') this.#onGet(visit, session)
      else {
        session.close()
        sendEmpty(reply, 200)
      }
    }
  }

  #findRefusal({ request, head }: Visit, server: string | undefined): Refusal | undefined {
    if (server !== undefined && !this.#parts.router.hasServer(server)) return serverUnknown
    const { protocolVersion } = head
    if (protocolVersion !== undefined && !revisions.has(protocolVersion)) return revisionUnknown
    if (request.method === 'POST') return findPostRefusal(head)
    return request.method === 'GET' && !accepts(head.accept, [eventStream]) ? notAcceptable : undefined
  }

  #find(id: string, server: string | undefined): HttpSession | undefined {
    const session = this.#parts.sessions.find(id)
    return session instanceof HttpSession && session.server === server ? session : undefined
  }

  /** Only initialize may come without a session. */
  #onStranger(visit: Visit, server: string | undefined): void {
    if (visit.request.method !== 'POST') {
      refuse(visit.reply, sessionMissing)
      return
    }
    readMessage(visit, this.#parts.limits.bodyBytes, (message) => {
      if (message.kind === 'request' && message.method === 'initialize') {
        this.#open(visit, server, message)
      } else refuse(visit.reply, sessionMissing, message)
    })
  }

  #open({ reply, isWithToken }: Visit, server: string | undefined, message: RpcRequest): void {
    const { router, sessions, logger, stallMs } = this.#parts
    // It may have been switched off while the body came.
    if (server !== undefined && !router.hasServer(server)) {
      refuse(reply, serverUnknown, message)
      return
    }
    if (!sessions.makeRoom()) {
      refuse(reply, sessionsFull, message)
      return
    }
    const session: HttpSession = new HttpSession({
      server,
      isWithToken,
      connect: (introduction) => router.connect(introduction),
      logger,
      stallMs,
      onClosed: () => {
        sessions.delete(session)
      },
    })
    sessions.add(session)
    session.begin(message, reply)
  }

  #onPost(visit: Visit, session: HttpSession): void {
    session.input.pass(() => {
      readMessage(visit, this.#parts.limits.bodyBytes, (message) => {
        const refusal = session.isClosed ? sessionGone : session.take(message, visit.reply)
        if (refusal !== undefined) refuse(visit.reply, refusal, message)
      })
    })
  }

  #onGet({ reply, head }: Visit, session: HttpSession): void {
    const refusal = session.openStream(reply, head.lastEventId)
    if (refusal !== undefined) refuse(reply, refusal)
  }
}

/** Why a POST with these headers is not read at all. */
function findPostRefusal({ accept, contentType, contentEncoding }: RequestHead): Refusal | undefined {
  if (!isJson(contentType)) return notJson
  if (!isPlainEncoding(contentEncoding)) return encoded
  return accepts(accept, [json, eventStream]) ? undefined : notAcceptable
}

/** Reads the message of a POST; where there is none, answers so and calls `take` not at all. */
export function readMessage(visit: Visit, bodyBytes: number, take: (message: RpcMessage) => void): void {
  const { request, reply, head } = visit
  const tooLarge = toTooLarge(bodyBytes)
  if (Number(head.contentLength ?? 0) > bodyBytes) {
    refuse(reply, tooLarge)
    return
  }
  if (head.expect !== undefined) reply.response.writeContinue()
  readBody(request, bodyBytes, (body) => {
    if (body === 'broken') return
    if (body === 'too-large') {
      refuse(reply, tooLarge)
      return
    }
    const line = toOneLine(body)
    const message = line === undefined ? undefined : parseMessage(line)
    if (message === undefined) refuse(reply, notParsed)
    else if (message.kind === 'fault') refuse(reply, toFault(message.code, message.reason), message)
    else take(message)
  })
}

/** Answers with why not, under the id of the request where it has one. */
export function refuse(reply: Reply, refusal: Refusal, message?: RpcMessage): void {
  const hasId = message?.kind === 'request' || message?.kind === 'fault'
  const id = hasId && message.id !== undefined ? bytesAt(message.bytes, message.id).toString() : undefined
  sendRefusal(reply, refusal, toRpcBody(refusal, id))
}

function toTooLarge(bytes: number): Refusal {
  const message = `The body is longer than ${bytes} bytes (limits.bodyBytes).`
  return { status: 413, code: 'too-large', message }
}

function toFault(rpcCode: number, reason: string): Refusal {
  const code = rpcCode === rpcCodes.parseError ? 'broken-json' : 'no-message'
  return { status: 400, code, message: reason, rpcCode }
}

/** The refusal for a server that is not there, or switched off. */
export const serverUnknown: Refusal = {
  status: 404,
  code: 'unknown-server',
  message: 'Patchbay has no server of this name that is switched on. Check its name and its switch.',
}

/** The refusal for one session too many. */
export const sessionsFull: Refusal = {
  status: 503,
  code: 'busy',
  message: 'Too many clients are connected; close some and try again.',
  headers: ['Retry-After', '60'],
}

const notParsed = toFault(rpcCodes.parseError, 'The body is not JSON.')

const revisionUnknown: Refusal = {
  status: 400,
  code: 'unknown-revision',
  message: `MCP-Protocol-Version must be one of ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
}

const sessionMissing: Refusal = {
  status: 400,
  code: 'no-session',
  message: 'Open a session with initialize first, then send its Mcp-Session-Id with every request.',
}

const notJson: Refusal = {
  status: 415,
  code: 'not-json',
  message: 'The Content-Type of a message must be application/json, in UTF-8.',
}

const encoded: Refusal = {
  status: 415,
  code: 'encoded',
  message: 'The body must come as it is: Patchbay knows no Content-Encoding.',
}

const notAcceptable: Refusal = {
  status: 406,
  code: 'not-acceptable',
  message: 'Accept must allow text/event-stream, and for POST application/json as well.',
}
