import { findMember, findPath, idKey, readElements, readString } from '#base/json-head.ts'
import {
  bytesAt,
  errorLine,
  notificationLine,
  resultLine,
  type RpcError,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#base/json-rpc.ts'
import { splice } from '#base/splice.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import type { ServerPool, SessionKey } from '../../upstream/server-pool.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import { toLacking, toQuestionRefusal, type questionRefusals } from '../refusals.ts'
import { findProgressToken } from './relay.ts'
import type { Session } from './session.ts'

/** What the questions of servers need to know of sessions. */
export interface SessionDirectory {
  find(key: SessionKey): Session | undefined
  /** The open sessions that can see a server. */
  thatSee(pool: ServerPool): Session[]
}

/** A question of a server and where it came from. */
export interface Question {
  readonly pool: ServerPool
  readonly upstream: Upstream
  readonly connection: Connection
  readonly request: RpcRequest
  /** The id of the request of ours whose stream brought it, where each has a stream of its own. */
  readonly cause: number | undefined
}

interface OpenQuestion {
  readonly session: Session
  /** The client's request that it belongs to, where that is known. */
  readonly call: string | undefined
  /** Our id for it, towards the client. */
  readonly id: number
}

type Refusal = keyof typeof questionRefusals

const mostElicitations = 256

/** Puts the questions of servers (sampling, elicitation, roots, and any we have not heard of) to the right client. */
export class Questions {
  readonly #sessions: SessionDirectory
  readonly #onPromoted: (pool: ServerPool, upstream: Upstream) => void
  readonly #open = new Map<Connection, Map<string, OpenQuestion>>()
  /** Who was sent to a web page by an elicitation, by its id: the server tells later that it is done. */
  readonly #elicited = new WeakMap<Connection, Map<string, SessionKey>>()

  constructor(sessions: SessionDirectory, onPromoted: (pool: ServerPool, upstream: Upstream) => void) {
    this.#sessions = sessions
    this.#onPromoted = onPromoted
  }

  /** A server asks something. It is answered here, or by the one client that the question is for; never by another. */
  ask(question: Question): void {
    const { connection, request } = question
    const id = bytesAt(request.bytes, request.id)
    if (request.method === 'ping') {
      connection.reply(resultLine(id, Buffer.from('{}')))
      return
    }
    const whom = this.#choose(question)
    const refusal = typeof whom === 'string' ? toQuestionRefusal(whom) : findLack(whom, request)
    if (refusal !== undefined) connection.reply(errorLine(id, refusal))
    else if (typeof whom !== 'string') this.#put(whom, question)
  }

  /** Whether a server waits for an answer of a session's client. */
  isAsking(session: Session, connection: Connection): boolean {
    return [...(this.#open.get(connection)?.values() ?? [])].some((question) => question.session === session)
  }

  /** A client answered a question. What nobody asked, or not any more, is dropped. */
  onAnswer(session: Session, answer: RpcResponse): void {
    session.questions.takeAnswered(answer)?.onAnswer(answer)
  }

  /** A server takes a question back. */
  onCancelled(connection: Connection, { bytes, params }: RpcNotification): void {
    const span = findMember(bytes, params, 'requestId')
    const question = span && this.#open.get(connection)?.get(idKey(bytes, span))
    if (span === undefined || question === undefined) return
    this.#open.get(connection)?.delete(idKey(bytes, span))
    question.session.questions.take(question.id)
    const change = { span, bytes: Buffer.from(String(question.id)) }
    question.session.send(splice(bytes, [change]), connection, question.call)
  }

  /** A connection is lost: its questions need no answer any more. */
  onLost(connection: Connection): void {
    for (const { session, id, call } of this.#open.get(connection)?.values() ?? []) {
      session.questions.take(id)
      const notice = notificationLine('notifications/cancelled', {
        requestId: id,
        reason: 'The server was lost.',
      })
      session.send(notice, undefined, call)
    }
    this.#open.delete(connection)
  }

  /** A client's session ended: what it was asked will not be answered. */
  onSessionClosed(session: Session): void {
    for (const question of session.questions.takeAll()) question.onLost('the client ended its session')
  }

  /** An error that sends the client to web pages (MCP 2025-11-25, -32042) names elicitations that are done later. */
  onErrorAnswer(session: Session, connection: Connection, { bytes, error }: RpcResponse): void {
    for (const one of readElements(bytes, findPath(bytes, error, ['data', 'elicitations']))) {
      this.#noteElicitation(session, connection, readString(bytes, findMember(bytes, one, 'elicitationId')))
    }
  }

  /** The session that was sent to a web page by the elicitation that a server says is done. */
  takeElicited(connection: Connection, { bytes, params }: RpcNotification): Session | undefined {
    const id = readString(bytes, findMember(bytes, params, 'elicitationId')) ?? ''
    const elicited = this.#elicited.get(connection)
    const key = elicited?.get(id)
    elicited?.delete(id)
    return key === undefined ? undefined : this.#sessions.find(key)
  }

  #choose({ pool, upstream, connection, cause }: Question): Session | Refusal {
    const { requests } = connection
    const asked = cause === undefined ? undefined : requests.find(cause)
    // One that comes with an answer to ourselves is for whoever it may be for.
    const isOfOurs = asked !== undefined && asked.session === undefined
    if (cause !== undefined && !isOfOurs) {
      const session = requests.findSession(cause)
      return (session === undefined ? undefined : this.#sessions.find(session)) ?? 'client-gone'
    }
    const owner = pool.ownerOf(upstream)
    if (owner !== undefined) return this.#sessions.find(owner) ?? 'client-gone'
    const working = [...requests.sessionsAtWork()]
    const callers = working.flatMap((key) => this.#sessions.find(key) ?? [])
    // A session that is gone may have caused the question: then nobody else is to hear it.
    const candidates = working.length > 0 ? callers : this.#sessions.thatSee(pool)
    const one = candidates.length === 1 && working.length <= 1 ? candidates[0] : undefined
    // One that comes to its end may be of another program already.
    const isCurrent = upstream.connection === connection
    if (isCurrent && pool.learnAsks(upstream, one?.key)) this.#onPromoted(pool, upstream)
    if (one !== undefined) return one
    if (working.length === 0) return 'no-client'
    if (callers.length === 0) return 'client-gone'
    return pool.server.isolation === 'shared' ? 'shared-server' : 'ambiguous-client'
  }

  #put(session: Session, { pool, connection, request, cause }: Question): void {
    const { requests } = connection
    const call = (cause === undefined ? requests.findLatestOf(session.key) : requests.find(cause))?.call
    const { bytes, params } = request
    const serverId = Buffer.from(bytesAt(bytes, request.id))
    const key = idKey(bytes, request.id)
    const token = findProgressToken(bytes, params)
    const tokenBytes = token && Buffer.from(bytesAt(bytes, token))
    const settle = (): void => {
      this.#open.get(connection)?.delete(key)
    }
    const refuse = (error: RpcError): void => {
      settle()
      connection.send(errorLine(serverId, error))
    }
    const id = session.questions.add({
      method: request.method,
      timeoutMs: pool.server.timeouts.requestSeconds * 1000,
      resetOnProgress: pool.server.timeouts.resetOnProgress,
      onAnswer: (answer) => {
        settle()
        if (answer.id === undefined) return
        session.sendTo(connection, splice(answer.bytes, [{ span: answer.id, bytes: serverId }]))
      },
      onTimeout: () => {
        const notice = notificationLine('notifications/cancelled', {
          requestId: id,
          reason: 'It took too long.',
        })
        session.send(notice, undefined, call)
        refuse(toQuestionRefusal('timed-out'))
        return 'give-up'
      },
      onLost: () => {
        refuse(toQuestionRefusal('client-gone'))
      },
      onProgress: (notification, span) => {
        if (tokenBytes !== undefined)
          session.sendTo(connection, splice(notification.bytes, [{ span, bytes: tokenBytes }]))
      },
    })
    this.#remember(connection, key, { session, id, call })
    if (request.method === 'elicitation/create') {
      this.#noteElicitation(
        session,
        connection,
        readString(bytes, findMember(bytes, params, 'elicitationId')),
      )
    }
    const ownId = Buffer.from(String(id))
    const changes = [
      { span: request.id, bytes: ownId },
      ...(token === undefined ? [] : [{ span: token, bytes: ownId }]),
    ]
    session.send(splice(bytes, changes), connection, call)
  }

  #remember(connection: Connection, key: string, question: OpenQuestion): void {
    const open = this.#open.get(connection) ?? new Map<string, OpenQuestion>()
    this.#open.set(connection, open.set(key, question))
  }

  #noteElicitation(session: Session, connection: Connection, id: string | undefined): void {
    if (id === undefined) return
    const elicited = this.#elicited.get(connection) ?? new Map<string, SessionKey>()
    this.#elicited.set(connection, elicited.set(id, session.key))
    const [oldest] = elicited.keys()
    // Most are never told to be done: the oldest make room.
    if (oldest !== undefined && elicited.size > mostElicitations) elicited.delete(oldest)
  }
}

/** The refusal of a question that needs what the client does not offer; undefined when it may be put. */
function findLack(session: Session, { bytes, method, params }: RpcRequest): RpcError | undefined {
  switch (method) {
    case 'roots/list':
      return session.hasCapability('roots') ? undefined : toLacking(session.name, 'roots')
    case 'sampling/createMessage': {
      if (!session.hasCapability('sampling')) return toLacking(session.name, 'sampling')
      const wantsTools = findMember(bytes, params, 'tools') ?? findMember(bytes, params, 'toolChoice')
      if (wantsTools === undefined || session.hasCapability('sampling', 'tools')) return undefined
      return toLacking(session.name, 'sampling with tools')
    }
    case 'elicitation/create': {
      if (!session.hasCapability('elicitation')) return toLacking(session.name, 'elicitation')
      const isUrl = readString(bytes, findMember(bytes, params, 'mode')) === 'url'
      if (isUrl)
        return session.hasCapability('elicitation', 'url')
          ? undefined
          : toLacking(session.name, 'elicitation by web page')
      // `elicitation: {}` means forms (MCP 2025-11-25, "Elicitation", "Capabilities").
      const offersForms =
        session.hasCapability('elicitation', 'form') || !session.hasCapabilityDetail('elicitation')
      return offersForms ? undefined : toLacking(session.name, 'elicitation by form')
    }
    default:
      return undefined
  }
}
