import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { ServerConfig } from '../config/config.ts'
import { isSameValue } from '../config/is-same-value.ts'
import type { Logger } from '../observe/logger.ts'
import {
  readCapabilities,
  readKnownServer,
  unknownServer,
  writeKnownServer,
  type KnownServer,
} from './lists/known-server.ts'
import type { Connection } from './connection/connection.ts'
import type { Lists } from './lists/list-items.ts'
import { hasGivenUp, type UpstreamState } from './upstream-state.ts'
import type { UpstreamContext } from './upstream-context.ts'
import { Upstream, type UpstreamListener } from './upstream.ts'

/** Names a session of the gateway; the pool needs no more of it. */
export type SessionKey = number

/** What a pool tells: what its upstreams tell, who took one over, and which it has no more. */
export interface PoolListener extends UpstreamListener {
  /** Those who use it are to go over to others. */
  readonly onRetired: (upstream: Upstream) => void
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

/** An upstream that comes to its end: until then, what it says is for nobody but its owner. */
interface Ending {
  readonly owner: SessionKey | undefined
  readonly ended: Promise<void>
}

/**
 * All upstreams of one server: one for all sessions, or one for each. `isolation: auto` begins with one for all and
 * goes over to one for each with the first question that the server asks (docs/decisions, "One upstream per server").
 */
export class ServerPool {
  readonly #context: UpstreamContext
  readonly #listener: UpstreamListener
  readonly #onAdopted: (upstream: Upstream, session: SessionKey) => void
  readonly #onRetired: (upstream: Upstream) => void
  readonly #logger: Logger
  readonly #folder: string
  readonly #uses = new Map<Upstream, Use>()
  #server: ServerConfig
  #known: KnownServer = unknownServer
  /** Whether what is known was learnt from the server as it was configured before. */
  #isOfAnother = false
  #saving: Promise<void> = Promise.resolve()
  /** Whether the last attempt to save failed: that is said once. */
  #isForgetful = false
  /** Upstreams that come to their end. */
  readonly #ending = new Map<Upstream, Ending>()
  #lastState: UpstreamState = { state: 'stopped' }
  #isClosed = false

  constructor(server: ServerConfig, context: UpstreamContext, listener: PoolListener) {
    this.#server = server
    this.#onAdopted = listener.onAdopted
    this.#onRetired = listener.onRetired
    this.#context = context
    this.#logger = context.logger.with({ server: server.name })
    this.#folder = path.join(context.host.dataFolder, 'cache', 'lists')
    this.#listener = {
      ...listener,
      onOpened: (upstream, connection) => {
        this.#remember({ initialize: connection.initialize })
        this.#isOfAnother = false
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

  /** As it is configured now. */
  get server(): ServerConfig {
    return this.#server
  }

  /** Recalls what was known of the server when Patchbay last ran. */
  async recall(): Promise<void> {
    const { known, problem } = await readKnownServer(this.#folder, this.server)
    if (problem !== undefined)
      this.#logger.warning('What was remembered of the server cannot be used.', { problem })
    this.#known = known
  }

  /** Starts the server, whoever may come to use it; one that is started on demand waits for that. */
  start(): void {
    if (this.server.start === 'eager' && this.#uses.size === 0) this.#add(undefined).start()
  }

  /** Starts a server of which nothing is known yet, since somebody wants to know what it offers. */
  learn(): void {
    if (this.initialize !== undefined) return
    const [upstream] = this.#uses.keys()
    ;(upstream ?? this.#add(undefined)).use()
  }

  /** Ends all upstreams: at once, or, when others go on, with a grace for the calls in flight. */
  async close(how: 'at-once' | 'graceful' = 'at-once'): Promise<void> {
    this.#isClosed = true
    if (how === 'at-once') for (const upstream of this.#ending.keys()) void upstream.stop()
    for (const upstream of [...this.#uses.keys()]) this.#remove(upstream, how)
    await Promise.all(Array.from(this.#ending.values(), ({ ended }) => ended))
    await this.#saving
  }

  /** Settles when no call is in flight, or after so many milliseconds. */
  async untilUnused(milliseconds: number): Promise<void> {
    const upstreams = [...this.#uses.keys(), ...this.#ending.keys()]
    await Promise.all(upstreams.map((upstream) => upstream.untilUnused(milliseconds)))
  }

  /** Takes on settings that do not concern what runs. */
  adjust(server: ServerConfig): void {
    this.#server = server
    for (const upstream of this.#uses.keys()) upstream.adjust(server)
    if (!this.isPerSession) this.start()
  }

  /** Goes over to another way of starting the server. What it told stays until it tells anew. */
  replace(server: ServerConfig): void {
    const before = this.#server
    const wasPerSession = this.isPerSession
    this.#server = server
    if (!isSameValue(before.transport, server.transport)) {
      this.#isOfAnother = true
      this.#known = { ...this.#known, asksClient: false }
    }
    if (!wasPerSession && before.isolation === server.isolation) {
      for (const upstream of this.#uses.keys()) upstream.replace(server)
      this.start()
      return
    }
    const retired = [...this.#uses.keys()]
    for (const upstream of retired) this.#remove(upstream, 'graceful')
    this.start()
    for (const upstream of retired) this.#onRetired(upstream)
  }

  /** The computer slept, or something else makes it doubtful that all is as it was. */
  checkNow(): void {
    for (const upstream of this.#uses.keys()) upstream.checkNow()
  }

  /** Its last answer to `initialize`, from this run or an earlier one. */
  get initialize(): Buffer | undefined {
    return this.#isOfAnother ? undefined : this.#known.initialize
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

  /** Whether a session's next request would start the server, which is known and runs for nobody now. */
  isAsleep(session: SessionKey): boolean {
    const { server, initialize } = this
    const sleeps = server.start === 'demand' || server.idleStopSeconds > 0
    const state = this.stateFor(session)
    return sleeps && initialize !== undefined && state.state === 'stopped' && !hasGivenUp(state)
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
    return this.#uses.get(upstream)?.owner ?? this.#ending.get(upstream)?.owner
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
    if (!this.#isClosed) found.use()
    if (isAdopted) this.#onAdopted(found, session)
    return found
  }

  /**
   * An open upstream for a session's next call: now, or when it is there, though another may come in its place, as long
   * as the call `isWanted`. Rejects with ServerUnavailable.
   */
  async whenReady(
    session: SessionKey,
    isWanted: () => boolean,
  ): Promise<{ upstream: Upstream; connection: Connection }> {
    for (;;) {
      const upstream = this.acquire(session)
      try {
        return { upstream, connection: await upstream.whenReady() }
      } catch (error) {
        if (!isWanted() || !this.#isReplaced(upstream)) throw error
      }
    }
  }

  /** Settles when the lists are known of the upstream that a session uses; like `whenReady`. */
  async whenListed(session: SessionKey, isWanted: () => boolean): Promise<void> {
    for (;;) {
      const upstream = this.acquire(session)
      try {
        await upstream.whenListed()
        return
      } catch (error) {
        if (!isWanted() || !this.#isReplaced(upstream)) throw error
      }
    }
  }

  /** A session ended: an upstream of its own ends with it. */
  release(session: SessionKey): void {
    for (const [upstream, use] of this.#uses) {
      if (use.owner === session) this.#remove(upstream, 'at-once', 'its client ended the session')
    }
  }

  /** A session has been away for long: an upstream of its own ends, unless it awaits something. */
  rest(session: SessionKey): void {
    for (const [upstream, { owner }] of this.#uses) {
      const isBusy = (upstream.connection?.requests.size ?? 0) > 0 || this.#listener.isWatched(upstream)
      if (owner === session && !isBusy) this.#remove(upstream, 'at-once', 'its client has been away')
    }
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
    if ((upstream.connection?.requests.size ?? 0) === 0)
      this.#remove(upstream, 'at-once', 'it was of no more use')
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

  /** Whether another has come in its place. */
  #isReplaced(upstream: Upstream): boolean {
    return !this.#isClosed && !this.#uses.has(upstream)
  }

  #add(owner: SessionKey | undefined): Upstream {
    const upstream = new Upstream(this.server, this.#context, this.#known.lists, this.#listener)
    this.#uses.set(upstream, { owner, served: new Set() })
    return upstream
  }

  #remove(upstream: Upstream, how: 'at-once' | 'graceful', reason?: string): void {
    const owner = this.#uses.get(upstream)?.owner
    this.#uses.delete(upstream)
    const stopped = upstream.stop(how === 'graceful' ? 'the configuration was changed' : reason, how)
    const ended = stopped.finally(() => {
      this.#ending.delete(upstream)
    })
    this.#ending.set(upstream, { owner, ended })
  }

  #remember(news: Partial<KnownServer>): void {
    const before = this.#known
    const isSame = (key: string): boolean =>
      isDeepStrictEqual(before[key as keyof KnownServer], news[key as keyof KnownServer])
    if (!this.#isOfAnother && Object.keys(news).every(isSame)) return
    this.#known = { ...this.#known, ...news }
    this.#saving = this.#saving
      .then(() => writeKnownServer(this.#folder, this.server, this.#known))
      .then(
        () => {
          this.#isForgetful = false
        },
        (error: unknown) => {
          if (!this.#isForgetful)
            this.#logger.warning('What is known of the server cannot be remembered.', {
              problem: String(error),
            })
          this.#isForgetful = true
        },
      )
  }
}
