import { findMember, readString } from '#base/json-head.ts'
import { bytesAt, type RpcNotification, type RpcRequest, type RpcResponse } from '#base/json-rpc.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import type { Route } from './relay.ts'
import type { Session } from './session.ts'

/** One resource that at least one session subscribed to on one upstream. */
interface Subscription {
  readonly pool: ServerPool
  readonly sessions: Set<Session>
  /** While the server has not answered yet: who waits to hear, and who wants it no more. */
  pending:
    | { readonly waiting: { readonly session: Session; readonly id: Buffer }[]; readonly gone: Set<Session> }
    | undefined
}

/** Sends a request on; the relay with its surroundings. */
export type Send = (session: Session, request: RpcRequest, route: Route) => void

const emptyResult = Buffer.from('{}')

/** Subscriptions to resources, counted by client: a server hears of the first and of the last. URIs are the servers' own. */
export class Subscriptions {
  readonly #send: Send
  readonly #logger: Logger
  readonly #byUpstream = new Map<Upstream, Map<string, Subscription>>()
  /** Of servers that are switched off, by name: they may be switched on again. */
  readonly #parked = new Map<string, (readonly [uri: string, session: Session])[]>()

  constructor(send: Send, logger: Logger) {
    this.#send = send
    this.#logger = logger
  }

  subscribe(session: Session, request: RpcRequest, route: Route, uri: string): void {
    const { pool } = route
    const upstream = pool.acquire(session.key)
    const id = bytesAt(request.bytes, request.id)
    const known = this.#byUpstream.get(upstream)?.get(uri)
    if (known?.pending !== undefined) {
      known.pending.waiting.push({ session, id: Buffer.from(id) })
      known.pending.gone.delete(session)
      return
    }
    if (known !== undefined) {
      known.sessions.add(session)
      session.sendResult(id, emptyResult)
      return
    }
    this.#send(session, request, {
      ...route,
      onOutcome: (answer) => {
        this.#onOutcome(upstream, uri, session, answer)
      },
    })
    const pending = { waiting: [], gone: new Set<Session>() }
    this.#add(upstream, uri, { pool, sessions: new Set(), pending })
  }

  unsubscribe(session: Session, request: RpcRequest, route: Route, uri: string): void {
    const upstream = route.pool.acquire(session.key)
    const known = this.#byUpstream.get(upstream)?.get(uri)
    known?.sessions.delete(session)
    known?.pending?.gone.add(session)
    if (known?.pending !== undefined || (known !== undefined && known.sessions.size > 0)) {
      session.sendResult(bytesAt(request.bytes, request.id), emptyResult)
      return
    }
    this.#remove(upstream, uri)
    this.#send(session, request, route)
  }

  /** The sessions that want to hear of a resource's update: with nobody for it itself, those of what it is a part of. */
  sessionsOf(upstream: Upstream, { bytes, params }: RpcNotification): readonly Session[] {
    const uri = readString(bytes, findMember(bytes, params, 'uri'))
    const subscriptions = this.#byUpstream.get(upstream)
    if (uri === undefined || subscriptions === undefined) return []
    const own = [...(subscriptions.get(uri)?.sessions ?? [])]
    if (own.length > 0) return own
    const above = [...subscriptions].filter(([whole]) => isPartOf(uri, whole))
    return [...new Set(above.flatMap(([, { sessions }]) => [...sessions]))]
  }

  /** A new session with a server was opened: it does not know what was subscribed to before. */
  onOpened(upstream: Upstream, connection: Connection): void {
    for (const [uri, { pending }] of this.#byUpstream.get(upstream) ?? []) {
      if (pending === undefined) this.#tell(connection, 'resources/subscribe', uri)
    }
  }

  /** An upstream belongs to one session now: what others subscribed to there goes over to upstreams of their own. */
  moveOthers(upstream: Upstream, owner: number | undefined): void {
    for (const [uri, subscription] of [...(this.#byUpstream.get(upstream) ?? [])]) {
      for (const session of [...subscription.sessions]) {
        if (session.key === owner) continue
        this.#leave(upstream, uri, session)
        this.#join(subscription.pool, uri, session)
      }
    }
  }

  /** Whether anybody subscribed to anything there. */
  has(upstream: Upstream): boolean {
    return this.#byUpstream.has(upstream)
  }

  /** A server is switched off: what was subscribed to is so again once it is back. */
  park(pool: ServerPool): void {
    const parked = pool.upstreams.flatMap((upstream) => {
      const subscriptions = [...(this.#byUpstream.get(upstream) ?? [])]
      this.#byUpstream.delete(upstream)
      return subscriptions.flatMap(([uri, { sessions, pending }]) => {
        for (const { session, id } of pending?.waiting ?? []) sendFailure(session, id, undefined)
        return Array.from(sessions, (session) => [uri, session] as const)
      })
    })
    if (parked.length > 0) this.#parked.set(pool.server.name, parked)
  }

  /** A server is switched on. */
  unpark(pool: ServerPool): void {
    const parked = this.#parked.get(pool.server.name) ?? []
    this.#parked.delete(pool.server.name)
    for (const [uri, session] of parked) if (session.phase === 'open') this.#join(pool, uri, session)
  }

  onSessionClosed(session: Session): void {
    for (const [upstream, subscriptions] of [...this.#byUpstream]) {
      for (const uri of [...subscriptions.keys()]) this.#leave(upstream, uri, session)
    }
    for (const [server, parked] of [...this.#parked]) {
      const rest = parked.filter(([, one]) => one !== session)
      if (rest.length > 0) this.#parked.set(server, rest)
      else this.#parked.delete(server)
    }
  }

  #onOutcome(upstream: Upstream, uri: string, first: Session, answer: RpcResponse | undefined): void {
    const subscription = this.#byUpstream.get(upstream)?.get(uri)
    if (subscription === undefined) return
    const { waiting, gone } = subscription.pending ?? { waiting: [], gone: new Set() }
    subscription.pending = undefined
    const isSubscribed = answer?.result !== undefined
    const add = (session: Session): void => {
      if (session.phase === 'open' && !gone.has(session)) subscription.sessions.add(session)
    }
    if (isSubscribed) add(first)
    for (const { session, id } of waiting) {
      if (isSubscribed) {
        add(session)
        session.sendResult(id, emptyResult)
      } else sendFailure(session, id, answer)
    }
    for (const session of [...subscription.sessions]) {
      // Meanwhile another may have come in the place of the upstream.
      if (subscription.pool.find(session.key) === upstream) continue
      subscription.sessions.delete(session)
      this.#join(subscription.pool, uri, session)
    }
    if (subscription.sessions.size > 0) return
    this.#remove(upstream, uri)
    if (isSubscribed && upstream.connection !== undefined)
      this.#tell(upstream.connection, 'resources/unsubscribe', uri)
  }

  #join(pool: ServerPool, uri: string, session: Session): void {
    const upstream = pool.acquire(session.key)
    const known = this.#byUpstream.get(upstream)?.get(uri)
    if (known !== undefined) {
      known.sessions.add(session)
      return
    }
    this.#add(upstream, uri, { pool, sessions: new Set([session]), pending: undefined })
    // Without an open connection it is told when there is one.
    if (upstream.connection !== undefined) this.#tell(upstream.connection, 'resources/subscribe', uri)
  }

  #leave(upstream: Upstream, uri: string, session: Session): void {
    const subscription = this.#byUpstream.get(upstream)?.get(uri)
    if (subscription?.sessions.delete(session) !== true || subscription.sessions.size > 0) return
    this.#remove(upstream, uri)
    if (upstream.connection !== undefined) this.#tell(upstream.connection, 'resources/unsubscribe', uri)
  }

  #tell(connection: Connection, method: string, uri: string): void {
    connection.request(method, { uri }, 60_000).then(
      ({ error }) => {
        if (error !== undefined) this.#logger.debug(`The server refused ${method}.`, { uri })
      },
      (error: unknown) => {
        this.#logger.debug(`The server did not take ${method}.`, { uri, reason: String(error) })
      },
    )
  }

  #add(upstream: Upstream, uri: string, subscription: Subscription): void {
    const subscriptions = this.#byUpstream.get(upstream) ?? new Map<string, Subscription>()
    this.#byUpstream.set(upstream, subscriptions.set(uri, subscription))
  }

  #remove(upstream: Upstream, uri: string): void {
    const subscriptions = this.#byUpstream.get(upstream)
    subscriptions?.delete(uri)
    if (subscriptions?.size === 0) this.#byUpstream.delete(upstream)
  }
}

/** Whether a URI is a sub-resource of another (MCP 2025-11-25, "Resources", `notifications/resources/updated`). */
function isPartOf(uri: string, whole: string): boolean {
  if (!uri.startsWith(whole) || uri === whole) return false
  return whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length))
}

/** What the second to ask hears when the first was refused: the server's own error, byte for byte, whatever it is. */
function sendFailure(session: Session, id: Buffer, answer: RpcResponse | undefined): void {
  if (answer?.error === undefined) {
    const message = 'The server did not answer the request to subscribe; try again.'
    session.sendError(id, { code: -32000, message })
    return
  }
  const error = bytesAt(answer.bytes, answer.error)
  session.send([Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(',"error":'), error, Buffer.from('}')])
}
