import { findMember, idKey } from '#base/json-head.ts'
import {
  bytesAt,
  parseMessage,
  rpcCodes,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
} from '#base/json-rpc.ts'
import { splice } from '#base/splice.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Endpoint } from '../endpoints/endpoint.ts'
import { toInvalidRequest } from '../refusals.ts'
import type { Questions } from './questions.ts'
import type { Session } from './session.ts'

/** What a conversation hands on. */
export interface ConversationParts {
  readonly endpoint: Endpoint
  readonly questions: Questions
  readonly logger: Logger
  readonly initialize: (session: Session, request: RpcRequest) => void
  readonly onRootsChanged: (session: Session, notification: RpcNotification) => void
  readonly onResting: (session: Session) => void
  readonly onClosed: (session: Session) => void
}

const emptyResult = Buffer.from('{}')

/** Takes a client's lines: its session is opened first, then requests go to the endpoint and answers to who asked. */
export class Conversation {
  readonly #session: Session
  readonly #parts: ConversationParts

  constructor(session: Session, parts: ConversationParts) {
    this.#session = session
    this.#parts = parts
  }

  /** The client's name for people, as it gave it last. */
  get name(): string {
    return this.#session.name
  }

  /** The revision of MCP that is spoken with the client; undefined until its session is open. */
  get revision(): string | undefined {
    return this.#session.phase === 'open' ? this.#session.revision : undefined
  }

  /** One line from the client. */
  receive(line: Buffer): void {
    this.take(parseMessage(line))
  }

  /** The same, of a line that has been read. */
  take(message: RpcMessage): void {
    try {
      this.#take(message)
    } catch (error) {
      this.#onTrouble(message, error)
    }
  }

  /** The client keeps up with what is sent to it again. */
  onDrained(): void {
    this.#session.releaseSources()
  }

  /** The client is away: servers that run for it alone end, and are started again with its next call. */
  rest(): void {
    this.#parts.onResting(this.#session)
  }

  /** The client is gone. */
  close(): void {
    this.#parts.onClosed(this.#session)
  }

  #take(message: RpcMessage): void {
    switch (message.kind) {
      case 'request':
        this.#onRequest(message)
        break
      case 'notification':
        this.#onNotification(message)
        break
      case 'response':
        this.#parts.questions.onAnswer(this.#session, message)
        break
      case 'fault':
        this.#session.sendError(message.id && bytesAt(message.bytes, message.id), {
          code: message.code,
          message: message.reason,
        })
        break
    }
  }

  #onRequest(request: RpcRequest): void {
    const session = this.#session
    const id = bytesAt(request.bytes, request.id)
    if (request.method === 'initialize') {
      if (session.phase === 'new') this.#parts.initialize(session, request)
      else session.sendError(id, toInvalidRequest('The session is open already: initialize comes once.'))
    } else if (session.phase === 'open') this.#parts.endpoint.onRequest(session, request)
    else if (request.method === 'ping') session.sendResult(id, emptyResult)
    else if (request.method === 'server/discover') {
      session.sendError(id, { code: rpcCodes.methodNotFound, message: 'Open the session with initialize.' })
    } else session.sendError(id, toInvalidRequest(`${request.method.slice(0, 200)} came before initialize.`))
  }

  #onNotification(notification: RpcNotification): void {
    const session = this.#session
    switch (notification.method) {
      case 'notifications/initialized':
        return
      case 'notifications/cancelled':
        this.#onCancelled(notification)
        return
      case 'notifications/progress':
        session.questions.onProgress(notification)
        return
      case 'notifications/roots/list_changed':
        this.#parts.onRootsChanged(session, notification)
        return
      default:
        if (session.phase === 'open') this.#parts.endpoint.onNotification(session, notification)
    }
  }

  #onCancelled({ bytes, params }: RpcNotification): void {
    const span = findMember(bytes, params, 'requestId')
    if (span === undefined) return
    const key = idKey(bytes, span)
    const call = this.#session.calls.get(key)
    if (call === undefined) return
    call.cancel((requestId) => splice(bytes, [{ span, bytes: requestId }]))
    this.#session.endCall(key)
  }

  #onTrouble(message: RpcMessage, error: unknown): void {
    const id = message.kind === 'request' ? bytesAt(message.bytes, message.id) : undefined
    if (error instanceof SyntaxError) {
      this.#session.sendError(id, { code: rpcCodes.parseError, message: error.message })
      return
    }
    this.#parts.logger.error('Something unexpected went wrong with a message.', { error: String(error) })
    if (id === undefined) return
    const internal = {
      code: rpcCodes.internalError,
      message: 'Something went wrong in Patchbay; its log tells more.',
    }
    this.#session.sendError(id, { ...internal, data: { code: 'internal' } })
  }
}
