import type { ClientIntroduction } from '../../../router/router.ts'
import type { Refusal } from '../answers.ts'
import type { EndpointParts } from './endpoint-parts.ts'
import { sessionsFull, toServerUnknown } from './mcp-endpoint.ts'
import { accepts, isJson, isPlainEncoding } from './media-types.ts'
import { readMessage, refuse, toLength, type Visit } from './read-message.ts'
import { SseSession } from './sse-session.ts'

/** HTTP+SSE, the transport of MCP 2024-11-05, for the whole and for each server alone. */
export class SseEndpoint {
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  /** Opens a session with its stream. */
  open({ reply, head, isWithToken }: Visit, server: string | undefined): void {
    const { router, sessions, logger, stallMs } = this.#parts
    if (server !== undefined && !router.hasServer(server)) refuse(reply, toServerUnknown(server))
    else if (!accepts(head.accept, ['text/event-stream'])) refuse(reply, notAcceptable)
    else if (!sessions.makeRoom()) refuse(reply, sessionsFull)
    else {
      const options = {
        server,
        isWithToken,
        connect: (introduction: ClientIntroduction) => router.connect(introduction),
        logger,
        stallMs,
        onClosed: () => {
          sessions.delete(session)
        },
      }
      const session: SseSession = new SseSession(options, reply)
      sessions.add(session)
    }
  }

  /** Takes a message for a session whose stream is open. */
  post(visit: Visit, sessionId: string): void {
    const { reply, head } = visit
    const session = this.#parts.sessions.find(sessionId)
    if (!(session instanceof SseSession)) refuse(reply, sessionUnknown)
    else if (!isJson(head.contentType) || !isPlainEncoding(head.contentEncoding)) refuse(reply, notJson)
    else {
      session.input.pass(toLength(head), () => {
        readMessage(visit, this.#parts, (message) => {
          if (session.isClosed) refuse(reply, sessionUnknown, message)
          else session.take(message, reply)
        })
      })
    }
  }
}

const sessionUnknown: Refusal = {
  status: 404,
  code: 'session-gone',
  message: 'This session is over or was never there: open /sse again.',
}

const notAcceptable: Refusal = {
  status: 406,
  code: 'not-acceptable',
  message: 'Accept must allow text/event-stream.',
}

const notJson: Refusal = {
  status: 415,
  code: 'not-json',
  message: 'The Content-Type of a message must be application/json, in UTF-8, without Content-Encoding.',
}
