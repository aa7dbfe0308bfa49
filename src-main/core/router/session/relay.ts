import { findPath, idKey, type Span } from '#base/json-head.ts'
import {
  bytesAt,
  notificationLine,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#base/json-rpc.ts'
import { splice, type Parts, type Replacement } from '#base/splice.ts'
import type { RequestFailure } from '../../upstream/connection/carrier.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import type { PendingRequest } from '../../upstream/connection/pending-requests.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import { ServerUnavailable } from '../../upstream/server-unavailable.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import { toEmptyAnswer, toFailed, toLost, toTimedOut, toUnavailable } from '../refusals.ts'
import type { CallInFlight, Session } from './session.ts'

/** Where a request goes and what changes on the way. */
export interface Route {
  readonly pool: ServerPool
  /** What to put into the request besides id and progress token. */
  readonly replacements: readonly Replacement[]
  /** What to put into the answer besides the id. */
  readonly toAnswerReplacements?: (answer: RpcResponse) => readonly Replacement[]
  /** Told the answer once, or undefined when there will be none from the server. */
  readonly onOutcome?: (answer: RpcResponse | undefined) => void
}

/** What the relay asks of what surrounds it. */
export interface RelayListener {
  /** Whether the server waits for an answer of this session's client, so that its own answer is not late. */
  readonly isAsking: (session: Session, connection: Connection) => boolean
  /** A call that was sent is over, one way or another. */
  readonly onOver: (pool: ServerPool, upstream: Upstream) => void
  /** An error came that may send the client to a web page. */
  readonly onErrorAnswer: (session: Session, connection: Connection, answer: RpcResponse) => void
}

const progressPath = ['_meta', 'progressToken']

/** Where the progress token of a request stands, if it has one. */
export function findProgressToken(bytes: Buffer, params: Span | undefined): Span | undefined {
  return findPath(bytes, params, progressPath)
}

/** Carries a client's request to a server and the answer back, with ids and progress tokens of ours in between. */
export function relayRequest(
  session: Session,
  request: RpcRequest,
  route: Route,
  listener: RelayListener,
): void {
  const call = new RelayedCall(session, request, route, listener)
  session.calls.set(call.call, call)
  call.start(request)
}

/** One call on its way. Is what it is to its session and to the connection at once: there are many of them. */
class RelayedCall implements CallInFlight, PendingRequest {
  readonly call: string
  readonly method: string
  readonly session: number
  timeoutMs = 0
  resetOnProgress = false
  readonly #session: Session
  readonly #route: Route
  readonly #listener: RelayListener
  readonly #id: Buffer
  readonly #token: Span | undefined
  #tokenBytes: Buffer | undefined
  /** Kept only where it may have to be sent once more: it can be large. */
  #again: RpcRequest | undefined
  /** Whether it has been sent a second time, to a server that had forgotten the session. */
  #isRepeated = false
  #sent: { readonly upstream: Upstream; readonly connection: Connection; readonly id: number } | undefined
  #isOver = false

  constructor(session: Session, request: RpcRequest, route: Route, listener: RelayListener) {
    this.#session = session
    this.#route = route
    this.#listener = listener
    this.method = request.method
    this.session = session.key
    this.call = idKey(request.bytes, request.id)
    // A copy: the request itself need not stay in memory until the answer comes.
    this.#id = Buffer.from(bytesAt(request.bytes, request.id))
    // Looked for at once: a request that is broken inside is refused before anything waits for it.
    this.#token = findProgressToken(request.bytes, request.params)
  }

  start(request: RpcRequest): void {
    const { pool } = this.#route
    const upstream = pool.acquire(this.#session.key)
    const { connection } = upstream
    if (connection !== undefined) {
      this.#send(request, upstream, connection)
      return
    }
    const { length } = request.bytes
    this.#session.addWaiting(length)
    pool
      .whenReady(this.#session.key, () => !this.#isOver)
      .then(
        (opened) => {
          this.#session.addWaiting(-length)
          this.#send(request, opened.upstream, opened.connection)
        },
        (error: unknown) => {
          this.#session.addWaiting(-length)
          this.#fail(error)
        },
      )
  }

  cancel(toNotification: (requestId: Buffer) => Parts): void {
    if (this.#sent !== undefined) {
      const { connection, id } = this.#sent
      const isOpen = connection.requests.withdraw(id) !== undefined
      if (isOpen) this.#session.sendTo(connection, toNotification(Buffer.from(String(id))), { cancels: id })
    }
    this.#finish(undefined)
  }

  abandon(): void {
    this.cancel((requestId) =>
      notificationLine('notifications/cancelled', {
        requestId: Number(requestId.toString()),
        reason: 'The client ended its session.',
      }),
    )
  }

  #send(request: RpcRequest, upstream: Upstream, connection: Connection): void {
    if (this.#isOver) return
    const { bytes } = request
    const { timeouts, transport } = upstream.server
    this.timeoutMs = timeouts.requestSeconds * 1000
    this.resetOnProgress = timeouts.resetOnProgress
    this.#again = transport.type === 'stdio' || this.#isRepeated ? undefined : request
    const token = this.#token
    this.#tokenBytes = token && Buffer.from(bytesAt(bytes, token))
    const id = connection.requests.add(this)
    this.#sent = { upstream, connection, id }
    const ownId = Buffer.from(String(id))
    const own = [
      { span: request.id, bytes: ownId },
      ...(token === undefined ? [] : [{ span: token, bytes: ownId }]),
    ]
    this.#session.sendTo(connection, splice(bytes, [...own, ...this.#route.replacements]), { asks: id })
  }

  onLost(reason: string): void {
    this.#finish(undefined)
    if (this.#sent !== undefined)
      this.#session.sendError(this.#id, toLost(this.#sent.upstream, this.method, reason))
  }

  /** A server that has forgotten the session has not touched the request: it gets it again, once, in a new session. */
  onFailed(failure: RequestFailure): void {
    const again = this.#again
    if (failure.kind === 'expired' && again !== undefined) {
      this.#isRepeated = true
      this.#sent = undefined
      this.start(again)
      return
    }
    this.#finish(undefined)
    if (this.#sent !== undefined)
      this.#session.sendError(this.#id, toFailed(this.#sent.upstream, this.method, failure))
  }

  onAnswer(answer: RpcResponse): void {
    const connection = this.#sent?.connection
    const { id, bytes, error, result } = answer
    if (id === undefined || (error === undefined && result === undefined)) {
      this.#session.sendError(this.#id, toEmptyAnswer(this.#route.pool.server.name, this.method))
    } else {
      const changes = [{ span: id, bytes: this.#id }, ...this.#findChanges(answer)]
      this.#session.answer(this.call, splice(bytes, changes), connection)
    }
    this.#finish(answer)
    if (error !== undefined && connection !== undefined)
      this.#listener.onErrorAnswer(this.#session, connection, answer)
  }

  onProgress({ bytes }: RpcNotification, span: Span): void {
    if (this.#tokenBytes === undefined) return
    this.#session.send(splice(bytes, [{ span, bytes: this.#tokenBytes }]), this.#sent?.connection, this.call)
  }

  onTimeout(): 'give-up' | 'wait-on' {
    if (this.#sent === undefined) return 'give-up'
    const { connection, id } = this.#sent
    if (this.#listener.isAsking(this.#session, connection)) return 'wait-on'
    const { name, timeouts } = this.#route.pool.server
    const cancelled = { requestId: id, reason: 'It took too long.' }
    connection.send(notificationLine('notifications/cancelled', cancelled), { cancels: id })
    this.#finish(undefined)
    this.#session.sendError(this.#id, toTimedOut(name, this.method, timeouts.requestSeconds))
    return 'give-up'
  }

  /** What to change in an answer; one that is broken inside goes to the client as it is. */
  #findChanges(answer: RpcResponse): readonly Replacement[] {
    try {
      return this.#route.toAnswerReplacements?.(answer) ?? []
    } catch (error) {
      if (error instanceof SyntaxError) return []
      throw error
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#finish(undefined)
    if (!(error instanceof ServerUnavailable)) throw error
    this.#session.sendError(this.#id, toUnavailable(error))
  }

  #finish(answer: RpcResponse | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#session.calls.get(this.call) === this) this.#session.calls.delete(this.call)
    this.#route.onOutcome?.(answer)
    if (this.#sent !== undefined) this.#listener.onOver(this.#route.pool, this.#sent.upstream)
  }
}
