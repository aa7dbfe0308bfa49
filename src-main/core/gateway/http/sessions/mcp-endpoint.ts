import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client'
import type { RpcRequest } from '#base/json-rpc.ts'
import { sendEmpty, type Refusal } from '../answers.ts'
import type { RequestHead } from '../guards/request-head.ts'
import type { EndpointParts } from './endpoint-parts.ts'
import { HttpSession, sessionGone } from './http-session.ts'
import { accepts, isJson, isPlainEncoding } from './media-types.ts'
import { toLength, readMessage, refuse, type Visit } from './read-message.ts'

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
    const { sessionId } = head
    const session = sessionId === undefined ? undefined : this.#find(sessionId, server)
    const refusal = findHeadRefusal(visit) ?? (session === undefined && this.#findPlaceRefusal(visit, server))
    if (refusal) refuse(reply, refusal)
    else if (session === undefined) this.#onStranger(visit, server)
    else if (request.method === 'POST') this.#onPost(visit, session)
    else if (request.method === 'GET') this.#onGet(visit, session)
    else {
      session.close()
      sendEmpty(reply, 200)
    }
  }

  /** Why nothing can be had without a session that is there. One that is there outlives that its server is off. */
  #findPlaceRefusal({ head }: Visit, server: string | undefined): Refusal | undefined {
    if (server !== undefined && !this.#parts.router.hasServer(server)) return toServerUnknown(server)
    return head.sessionId === undefined ? undefined : sessionGone
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
    readMessage(visit, this.#parts, (message) => {
      if (message.kind === 'request' && message.method === 'initialize') {
        this.#open(visit, server, message)
      } else refuse(visit.reply, sessionMissing, message)
    })
  }

  #open(
    { reply, isWithToken, isStillWelcome }: Visit,
    server: string | undefined,
    message: RpcRequest,
  ): void {
    const { router, sessions, logger, stallMs } = this.#parts
    // There may be another token since its head came.
    if (!isStillWelcome()) {
      refuse(reply, noMoreWelcome, message)
      return
    }
    // It may have been switched off while the body came.
    if (server !== undefined && !router.hasServer(server)) {
      refuse(reply, toServerUnknown(server), message)
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
    session.input.pass(toLength(visit.head), () => {
      readMessage(visit, this.#parts, (message) => {
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

/** Why a request with these headers is not looked at any further. */
function findHeadRefusal({ request, head }: Visit): Refusal | undefined {
  const { protocolVersion, accept } = head
  if (protocolVersion !== undefined && !revisions.has(protocolVersion)) return revisionUnknown
  if (request.method === 'POST') return findPostRefusal(head)
  return request.method === 'GET' && !accepts(accept, [eventStream]) ? notAcceptable : undefined
}

/** Why a POST with these headers is not read at all. */
function findPostRefusal({ accept, contentType, contentEncoding }: RequestHead): Refusal | undefined {
  if (!isJson(contentType)) return notJson
  if (!isPlainEncoding(contentEncoding)) return encoded
  return accepts(accept, [json, eventStream]) ? undefined : notAcceptable
}

/** The refusal for a server that is not there, or switched off. */
export function toServerUnknown(server: string): Refusal {
  return {
    status: 404,
    code: 'unknown-server',
    message: `Patchbay has no server “${server.slice(0, 200)}” that is switched on. Check its name and its switch.`,
  }
}

/** The refusal for one session too many. */
export const sessionsFull: Refusal = {
  status: 503,
  code: 'busy',
  message: 'Too many clients are connected; close some and try again.',
  headers: ['Retry-After', '60'],
}

const revisionUnknown: Refusal = {
  status: 400,
  code: 'unknown-revision',
  message: `MCP-Protocol-Version must be one of ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
}

const noMoreWelcome: Refusal = {
  status: 401,
  code: 'bad-token',
  message: 'Who may come in changed while the body came: try again with the access token.',
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
