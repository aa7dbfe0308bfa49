import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { ServerConfig } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import {
  readCapabilities,
  readKnownServer,
  unknownServer,
  writeKnownServer,
  type KnownServer,
} from './known-server.ts'
import type { Lists } from './list-items.ts'
import type { UpstreamState } from './upstream-state.ts'
import { Upstream, type UpstreamContext, type UpstreamListener } from './upstream.ts'

/** Names a session of the gateway; the pool needs no more of it. */
export type SessionKey = number

/** What a pool tells: what its upstreams tell, and who took one over. */
export interface PoolListener extends UpstreamListener {
  /** A session took over an upstream that was started before it came. */
  readonly onAdopted: (upstream: Upstream, session: SessionKey) => void
}

/** Who uses an upstream. */
interface Use {
  /** The one session that it belongs to; undefined while it is shared or waits for its first. */
  owner: SessionKey | undefined
  /** Every session that ever had a call on it. */
  readonly served: Set<SessionKey>
}

/**
 * All upstreams of one server: one for all sessions, or one for each. `isolation: auto` begins with one for all and
 * goes over to one for each with the first question that the server asks (docs/decisions, "One upstream per server").
 */
export class ServerPool {
  readonly server: ServerConfig
  readonly #context: UpstreamContext
  readonly #listener: UpstreamListener
  readonly #onAdopted: (upstream: Upstream, session: SessionKey) => void
  readonly #logger: Logger
  readonly #folder: string
  readonly #uses = new Map<Upstream, Use>()
  #known: KnownServer = unknownServer
  #saving: Promise<void> = Promise.resolve()
  readonly #ending = new Set<Promise<void>>()
  #lastState: UpstreamState = { state: 'stopped' }

  constructor(server: ServerConfig, context: UpstreamContext, listener: PoolListener) {
    this.server = server
    this.#onAdopted = listener.onAdopted
    this.#context = context
    this.#logger = context.logger.with({ server: server.name })
    this.#folder = path.join(context.host.dataFolder, 'cache', 'lists')
    this.#listener = {
      ...listener,
      onOpened: (upstream, connection) => {
        this.#remember({ initialize: connection.initialize })
        listener.onOpened(upstream, connection)
      },
      onListsChanged: (upstream) => {
        this.#remember({ lists: upstream.lists })
        listener.onListsChanged(upstream)
      },
      onStateChanged: (upstream) => {
        this.#lastState = upstream.state
        listener.onStateChanged(upstream)
      },
    }
  }

  /** Recalls what was known of the server when Patchbay last ran. */
  async recall(): Promise<void> {
    const { known, problem } = await readKnownServer(this.#folder, this.server)
    if (problem !== undefined)
      this.#logger.warning('What was remembered of the server cannot be used.', { problem })
    this.#known = known
  }

  /** Starts the server, whoever may come to use it. */
  start(): void {
    this.#add(undefined).start()
  }

  async close(): Promise<void> {
    for (const upstream of [...this.#uses.keys()]) this.#remove(upstream)
    await Promise.all(this.#ending)
    await this.#saving
  }

  /** Its last answer to `initialize`, from this run or an earlier one. */
  get initialize(): Buffer | undefined {
    return this.#known.initialize
  }

  /** Whether the server named a capability when it was last opened. */
  offers(capability: string): boolean {
    return this.#known.initialize !== undefined && readCapabilities(this.#known.initialize).has(capability)
  }

  /** Whether each session has an upstream of its own. */
  get isPerSession(): boolean {
    const { isolation } = this.server
    return isolation === 'session' || (isolation === 'auto' && this.#known.asksClient)
  }

  /** The state of the upstream that a session would use, or of the last one that changed when it would get a new one. */
  stateFor(session: SessionKey): UpstreamState {
    return this.find(session)?.state ?? this.#lastState
  }

  /** What a session sees of the server: what its own upstream tells, else what is known of any. */
  listsFor(session: SessionKey): Lists {
    const own = this.find(session)
    return own?.hasToldLists === true ? own.lists : this.#known.lists
  }

  get upstreams(): readonly Upstream[] {
    return [...this.#uses.keys()]
  }

  /** The session that an upstream belongs to, if it belongs to one. */
  ownerOf(upstream: Upstream): SessionKey | undefined {
    return this.#uses.get(upstream)?.owner
  }

  /** The upstream that a session uses at present, if there is one. */
  find(session: SessionKey): Upstream | undefined {
    for (const [upstream, { owner }] of this.#uses) if (owner === session) return upstream
    return this.#findFree(session)
  }

  /** The upstream for a session's next call: its own where each has one, started now when it has none yet. */
  acquire(session: SessionKey): Upstream {
    const found = this.find(session) ?? this.#add(this.isPerSession ? session : undefined)
    const use = this.#uses.get(found)
    const isAdopted = this.isPerSession && use !== undefined && use.owner === undefined
    if (use !== undefined) {
      use.served.add(session)
      if (this.isPerSession) use.owner = session
    }
    if (found.state.state === 'stopped' && found.state.reason === undefined) found.start()
    if (isAdopted) this.#onAdopted(found, session)
    return found
  }

  /** A session ended: an upstream of its own ends with it. */
  release(session: SessionKey): void {
    for (const [upstream, use] of this.#uses) if (use.owner === session) this.#remove(upstream)
  }

  /**
   * The server asked its client something: from now on, each session has an upstream of its own, and the asker, where
   * it could be told, keeps this one. Returns whether that is news.
   */
  learnAsks(upstream: Upstream, asker: SessionKey | undefined): boolean {
    if (this.server.isolation !== 'auto' || this.#known.asksClient) return false
    this.#logger.info('The server asks its clients: from now on each has a copy of its own.')
    this.#remember({ asksClient: true })
    const use = this.#uses.get(upstream)
    if (use !== undefined) use.owner = asker
    return true
  }

  /** Ends an upstream that belongs to nobody, once nothing is in flight on it. */
  retireIfIdle(upstream: Upstream): void {
    const use = this.#uses.get(upstream)
    if (use === undefined || use.owner !== undefined || !this.isPerSession || use.served.size === 0) return
    if ((upstream.connection?.requests.size ?? 0) === 0) this.#remove(upstream)
  }

  /** One that is free for a session: the shared one, or one that has served nobody else. */
  #findFree(session: SessionKey): Upstream | undefined {
    for (const [upstream, { owner, served }] of this.#uses) {
      if (owner !== undefined) continue
      if (!this.isPerSession || served.size === 0 || (served.size === 1 && served.has(session)))
        return upstream
    }
    return undefined
  }

  #add(owner: SessionKey | undefined): Upstream {
    const upstream = new Upstream(this.server, this.#context, this.#known.lists, this.#listener)
    this.#uses.set(upstream, { owner, served: new Set() })
    return upstream
  }

  #remove(upstream: Upstream): void {
    this.#uses.delete(upstream)
    const ending = upstream.stop().finally(() => {
      this.#ending.delete(ending)
    })
    this.#ending.add(ending)
  }

  #remember(news: Partial<KnownServer>): void {
    const before = this.#known
    if (
      (Object.keys(news) as (keyof KnownServer)[]).every((key) => isDeepStrictEqual(before[key], news[key]))
    )
      return
    this.#known = { ...this.#known, ...news }
    this.#saving = this.#saving
      .then(() => writeKnownServer(this.#folder, this.server, this.#known))
      .catch((error: unknown) => {
        this.#logger.warning('What is known of the server cannot be remembered.', { problem: String(error) })
      })
  }
}
