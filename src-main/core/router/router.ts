import { findMember, readString } from '#base/json-head.ts'
import {
  bytesAt,
  notificationLine,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
} from '#base/json-rpc.ts'
import type { Config, ServerConfig } from '../config/config.ts'
import type { Connection } from '../upstream/connection/connection.ts'
import { ServerPool, type PoolListener, type SessionKey } from '../upstream/server-pool.ts'
import { ServerUnavailable } from '../upstream/server-unavailable.ts'
import type { UpstreamContext } from '../upstream/upstream-context.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Announcements } from './announcements.ts'
import type { Catalog } from './catalog/catalog.ts'
import { Catalogs } from './catalog/catalogs.ts'
import type { Endpoint, EndpointParts } from './endpoints/endpoint.ts'
import { OneServerEndpoint } from './endpoints/one-server-endpoint.ts'
import { WholeEndpoint } from './endpoints/whole-endpoint.ts'
import { findLogLevel } from './log-level.ts'
import { toInvalidParams, toUnavailable } from './refusals.ts'
import { ServerEvents } from './server-events.ts'
import { Servers } from './servers.ts'
import type { ClientPort } from './session/client-port.ts'
import { Conversation } from './session/conversation.ts'
import { joinInstructions, openSession, toServerInitialize, toWholeInitialize } from './session/initialize.ts'
import { LogRouting } from './session/log-routing.ts'
import { Questions } from './session/questions.ts'
import { relayRequest } from './session/relay.ts'
import { Session } from './session/session.ts'
import { Subscriptions, type Send } from './session/subscriptions.ts'

/** A client's side of the router. */
export interface ClientLink {
  /** The client's name for people, as it gave it last. */
  readonly name: string
  /** The revision of MCP that is spoken with the client; undefined until its session is open. */
  readonly revision: string | undefined
  /** One line from the client. */
  receive(line: Buffer): void
  /** The same, of a line that has been read. */
  take(message: RpcMessage): void
  /** The client keeps up with what is sent to it again. */
  onDrained(): void
  /** The client is away: servers that run for it alone end, and are started again with its next call. */
  rest(): void
  /** The client is gone. */
  close(): void
}

/** Who opens a session. */
export interface ClientIntroduction {
  readonly name: string
  /** The one server to be with; the whole when undefined. */
  readonly server: string | undefined
  readonly port: ClientPort
}

const emptyResult = Buffer.from('{}')

/** Between clients and servers: who asks whom, under which name, and to whom each answer goes. */
export class Router {
  readonly #context: UpstreamContext
  readonly #servers: Servers
  readonly #sessions = new Map<SessionKey, Session>()
  #catalogs: Catalogs
  readonly #announcements: Announcements
  readonly #questions: Questions
  readonly #subscriptions: Subscriptions
  readonly #logs: LogRouting
  readonly #events: ServerEvents
  readonly #endpointParts: EndpointParts
  readonly #whole: Endpoint
  readonly #lost = new WeakSet<ServerPool>()
  #nextKey = 1

  constructor(config: Config, context: UpstreamContext) {
    this.#context = context
    this.#servers = new Servers(config, (server, after) => this.#toPool(server, after))
    this.#catalogs = new Catalogs(this.#servers)
    this.#announcements = new Announcements(() => this.#sessions.values(), this.#catalogFor)
    this.#questions = new Questions(
      { find: (key) => this.#sessions.get(key), thatSee: (pool) => this.#thatSee(pool) },
      (pool, upstream) => {
        this.#subscriptions.moveOthers(upstream, pool.ownerOf(upstream))
      },
    )
    this.#subscriptions = new Subscriptions(this.#send, context.logger)
    this.#logs = new LogRouting(context.logger)
    this.#events = new ServerEvents({
      questions: this.#questions,
      subscriptions: this.#subscriptions,
      logs: this.#logs,
      catalogFor: this.#catalogFor,
      usersOf: (pool, upstream) => this.#usersOf(pool, upstream),
    })
    this.#endpointParts = {
      servers: this.#servers,
      subscriptions: this.#subscriptions,
      send: this.#send,
      catalogFor: this.#catalogFor,
      setLogLevel: (session, request) => {
        this.#setLogLevel(session, request)
      },
    }
    this.#whole = new WholeEndpoint(this.#endpointParts)
  }

  /** Recalls what was known of the servers when Patchbay last ran. */
  async recall(): Promise<void> {
    await Promise.all(this.#servers.pools.map((pool) => pool.recall()))
  }

  /** Starts every enabled server. */
  start(): void {
    for (const pool of this.#servers.pools) pool.start()
  }

  /** Goes over to another configuration: what did not change is not touched. Calls must not overlap. */
  async apply(next: Config): Promise<void> {
    const before = this.#servers.config
    await this.#servers.apply(next, {
      onLeaving: (pool) => {
        this.#subscriptions.park(pool)
      },
      onReplaced: (pool) => {
        this.#lost.add(pool)
      },
      onCame: (pool) => {
        this.#lost.add(pool)
        this.#subscriptions.unpark(pool)
      },
    })
    this.#catalogs = new Catalogs(this.#servers)
    this.#announcements.tellSwitches(before, next)
    this.#announcements.schedule()
  }

  /** The computer slept, or something else makes it doubtful that all is as it was. */
  checkNow(): void {
    for (const pool of this.#servers.pools) pool.checkNow()
  }

  /** Settles when no call is in flight any more, or after so many milliseconds. */
  async untilUnused(milliseconds: number): Promise<void> {
    await this.#servers.untilUnused(milliseconds)
  }

  /** Ends all sessions and servers. */
  async close(): Promise<void> {
    for (const session of [...this.#sessions.values()]) this.#closeSession(session)
    await this.#servers.close()
  }

  /** The enabled servers, in the order of the configuration. */
  get pools(): readonly ServerPool[] {
    return this.#servers.pools
  }

  /** Whether a server of this name can be reached by a client. */
  hasServer(name: string): boolean {
    return this.#servers.find(name) !== undefined
  }

  /** A client is there. Its session opens with its `initialize`. `server` must be one that `hasServer` knows. */
  connect({ name, server, port }: ClientIntroduction): ClientLink {
    const session = new Session({ key: this.#nextKey++, name, only: server, port })
    this.#sessions.set(session.key, session)
    return new Conversation(session, {
      endpoint: server === undefined ? this.#whole : new OneServerEndpoint(server, this.#endpointParts),
      questions: this.#questions,
      logger: this.#context.logger,
      initialize: (one, request) => {
        this.#initialize(one, request)
      },
      onRootsChanged: (one, notification) => {
        this.#onRootsChanged(one, notification)
      },
      onResting: (one) => {
        for (const pool of this.#servers.pools) pool.rest(one.key)
      },
      onClosed: (one) => {
        this.#closeSession(one)
      },
    })
  }

  readonly #catalogFor = (session: Session): Catalog => this.#catalogs.catalogFor(session.key)

  readonly #send: Send = (session, request, route) => {
    relayRequest(session, request, route, {
      isAsking: (one, connection) => this.#questions.isAsking(one, connection),
      onOver: (pool, upstream) => {
        pool.retireIfIdle(upstream)
      },
      onErrorAnswer: (one, connection, answer) => {
        this.#questions.onErrorAnswer(one, connection, answer)
      },
    })
  }

  #toPool(server: ServerConfig, after: Promise<unknown> | undefined): ServerPool {
    const listener: PoolListener = {
      onRequest: (upstream, connection, request, cause) => {
        this.#questions.ask({ pool, upstream, connection, request, cause })
      },
      onNotification: (upstream, connection, notification, cause) => {
        this.#events.onNotification({ pool, upstream, connection, notification, cause })
      },
      onDrained: (connection) => {
        for (const session of this.#sessions.values()) session.releaseInput(connection)
      },
      onOpened: (upstream, connection) => {
        this.#logs.sync(connection, this.#usersOf(pool, upstream))
        this.#subscriptions.onOpened(upstream, connection)
      },
      onClosed: (connection) => {
        this.#onLost(connection)
      },
      onStateChanged: ({ state }) => {
        if (state.state === 'back-off' || state.state === 'crash-loop') this.#lost.add(pool)
        this.#announcements.schedule()
      },
      onListsChanged: () => {
        this.#announcements.schedule(this.#lost.delete(pool) ? pool : undefined)
      },
      onAdopted: (upstream, key) => {
        this.#onAdopted(upstream, key)
      },
      onRetired: (upstream) => {
        this.#subscriptions.moveOthers(upstream, undefined)
      },
      isWatched: (upstream) => this.#subscriptions.has(upstream),
    }
    const before = Promise.all([this.#context.after, after])
    const pool = new ServerPool(server, { ...this.#context, after: before }, listener)
    return pool
  }

  #initialize(session: Session, request: RpcRequest): void {
    const revision = openSession(session, request)
    const id = Buffer.from(bytesAt(request.bytes, request.id))
    const pool = this.#servers.find(session.only)
    if (session.only !== undefined && pool === undefined) {
      session.phase = 'new'
      session.sendError(id, toUnavailable(this.#servers.toGone(session.only)))
      return
    }
    if (pool === undefined) {
      session.catalog = this.#catalogFor(session)
      const sections = this.#servers.pools.map((one) => ({
        server: one.server.name,
        initialize: one.initialize,
      }))
      session.sendResult(id, toWholeInitialize(revision, joinInstructions(sections)))
      return
    }
    if (pool.initialize !== undefined) {
      session.sendResult(id, toServerInitialize(revision, pool.initialize))
      return
    }
    pool.whenReady(session.key, session.isAlive).then(
      ({ connection }) => {
        session.sendResult(id, toServerInitialize(revision, connection.initialize))
      },
      (error: unknown) => {
        if (session.phase === 'closed') return
        session.phase = 'new'
        if (error instanceof ServerUnavailable) session.sendError(id, toUnavailable(error))
      },
    )
  }

  #setLogLevel(session: Session, { bytes, id, params }: RpcRequest): void {
    const level = findLogLevel(readString(bytes, findMember(bytes, params, 'level')))
    if (level === undefined) {
      session.sendError(
        bytesAt(bytes, id),
        toInvalidParams('params.level must be one of the log levels of RFC 5424.'),
      )
      return
    }
    session.logLevel = level
    session.sendResult(bytesAt(bytes, id), emptyResult)
    this.#syncLogLevels()
  }

  #syncLogLevels(): void {
    for (const pool of this.#servers.pools) {
      for (const upstream of pool.upstreams) {
        if (upstream.connection !== undefined)
          this.#logs.sync(upstream.connection, this.#usersOf(pool, upstream))
      }
    }
  }

  /** A server that was started before its client came asked for roots when nobody was there: let it ask again. */
  #onAdopted(upstream: Upstream, key: SessionKey): void {
    const session = this.#sessions.get(key)
    const { connection } = upstream
    if (connection === undefined || session === undefined) return
    if (session.hasCapability('roots')) connection.send(notificationLine('notifications/roots/list_changed'))
    this.#logs.sync(connection, [session])
  }

  /** For servers that ask this client alone: their own upstream's owner, or the only one that sees it. */
  #onRootsChanged(session: Session, { bytes }: RpcNotification): void {
    for (const pool of this.#servers.pools) {
      const upstream = pool.find(session.key)
      const users = upstream === undefined ? [] : this.#usersOf(pool, upstream)
      const isAlone = users.length === 1 && users[0] === session
      if (isAlone && upstream?.connection !== undefined) session.sendTo(upstream.connection, [bytes])
    }
  }

  #onLost(connection: Connection): void {
    this.#questions.onLost(connection)
    for (const session of this.#sessions.values()) session.releaseInput(connection)
  }

  #closeSession(session: Session): void {
    if (session.phase === 'closed') return
    session.phase = 'closed'
    this.#sessions.delete(session.key)
    for (const call of [...session.calls.values()]) call.abandon()
    this.#questions.onSessionClosed(session)
    this.#subscriptions.onSessionClosed(session)
    session.releaseSources()
    for (const pool of this.#servers.pools) pool.release(session.key)
    this.#syncLogLevels()
  }

  #thatSee(pool: ServerPool): Session[] {
    return [...this.#sessions.values()].filter((session) => {
      return session.phase === 'open' && (session.only === undefined || session.only === pool.server.name)
    })
  }

  #usersOf(pool: ServerPool, upstream: Upstream): readonly Session[] {
    const owner = pool.ownerOf(upstream)
    return this.#thatSee(pool).filter((session) => owner === undefined || session.key === owner)
  }
}
