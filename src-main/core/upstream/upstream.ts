import type { RpcNotification, RpcRequest } from '#base/json-rpc.ts'
import type { ServerConfig } from '../config/config.ts'
import { isSameValue } from '../config/is-same-value.ts'
import type { Logger } from '../observe/logger.ts'
import { addFailure, decideRestart, type FailureKind, type Failures } from '../supervisor/restart-policy.ts'
import { Connection } from './connection/connection.ts'
import { toFailureKind, toFailureReason } from './failure-reason.ts'
import { HealthCheck } from './health-check.ts'
import { IdleStop } from './idle-stop.ts'
import { ListFollower } from './lists/list-follower.ts'
import type { ListKind, Lists } from './lists/list-items.ts'
import { PatientWaiters } from './patient-waiters.ts'
import { Renewals } from './renewals.ts'
import { OpeningTimedOut } from './connection/handshake.ts'
import { Endings, graces } from './endings.ts'
import { findOutput, prepareTransport, redactReason, type OpenCarrier } from './prepare-transport.ts'
import { ServerUnavailable } from './server-unavailable.ts'
import type { UpstreamContext } from './upstream-context.ts'
import {
  hasGivenUp,
  isAtRest,
  isOpen,
  logState,
  nextState,
  type UpstreamEvent,
  type UpstreamState,
} from './upstream-state.ts'

/** What an upstream tells. */
export interface UpstreamListener {
  /** `cause` is the id of the request of ours whose stream brought it, where each has a stream of its own. */
  readonly onRequest: (
    upstream: Upstream,
    connection: Connection,
    request: RpcRequest,
    cause?: number,
  ) => void
  readonly onNotification: (
    upstream: Upstream,
    connection: Connection,
    notification: RpcNotification,
    cause?: number,
  ) => void
  readonly onDrained: (connection: Connection) => void
  /** A session with the server was opened: what it has to know of our clients is to be told anew. */
  readonly onOpened: (upstream: Upstream, connection: Connection) => void
  readonly onClosed: (connection: Connection) => void
  readonly onStateChanged: (upstream: Upstream) => void
  readonly onListsChanged: (upstream: Upstream) => void
  /** Whether clients wait for news of it, so that it is in use though no request is in flight. */
  readonly isWatched: (upstream: Upstream) => boolean
}

/** How long a request waits, besides the time to connect, for what comes before: an old process to end, a shell to answer. */
const preparingMs = 15_000

/** Our live connection to one server: started, restarted after failures, stopped. */
export class Upstream {
  readonly #context: UpstreamContext
  readonly #listener: UpstreamListener
  readonly #logger: Logger
  readonly #lists: ListFollower
  readonly #idleStop: IdleStop
  #server: ServerConfig
  #state: UpstreamState = { state: 'stopped' }
  #failures: Failures = []
  #connection: Connection | undefined
  #health: HealthCheck | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether the timer is that of `startDelayMs`. */
  #isDelayed = false
  /** Counts lives, so that what an earlier one still has to say finds that it is over. */
  #life = 0
  readonly #waiters = new PatientWaiters()
  #following: Promise<void> = Promise.resolve()
  readonly #endings = new Endings()
  readonly #renewals = new Renewals()

  constructor(server: ServerConfig, context: UpstreamContext, lists: Lists, listener: UpstreamListener) {
    this.#server = server
    this.#context = context
    this.#listener = listener
    this.#logger = context.logger.with({ server: server.name })
    if (context.after !== undefined) this.#endings.note(context.after)
    this.#lists = new ListFollower({
      logger: this.#logger,
      timeoutMs: server.timeouts.connectSeconds * 1000,
      lists,
      onChanged: () => {
        listener.onListsChanged(this)
      },
    })
    this.#idleStop = new IdleStop(
      () => this.connection,
      () => listener.isWatched(this),
      (seconds) => {
        void this.stop(`nothing was asked of it for ${seconds} s`)
      },
    )
  }

  /** As it is configured now. */
  get server(): ServerConfig {
    return this.#server
  }

  get state(): UpstreamState {
    return this.#state
  }

  get lists(): Lists {
    return this.#lists.lists
  }

  /** Whether it has told its lists itself since it was made. */
  get hasToldLists(): boolean {
    return this.#lists.isKnown
  }

  /** The open session with the server, if it is ready. */
  get connection(): Connection | undefined {
    return isOpen(this.#state) ? this.#connection : undefined
  }

  start(): void {
    if (!isAtRest(this.#state)) return
    this.#failures = []
    this.#apply({ type: 'start-asked' })
    this.#connectIn(this.#server.startDelayMs)
  }

  /** A request for it is coming: starts it where that is what starts it, and keeps it from being stopped as idle. */
  use(): void {
    this.#idleStop.noteUse()
    if (!hasGivenUp(this.#state)) this.start()
  }

  /**
   * Takes nothing more, then ends the session and the process tree behind it: at once, or when what is in flight has
   * come to its end, for which it has a while.
   */
  async stop(reason?: string, how: 'at-once' | 'graceful' = 'at-once'): Promise<void> {
    const connection = this.#leave()
    this.#apply(reason === undefined ? { type: 'stop-asked' } : { type: 'stop-asked', reason })
    if (connection !== undefined) this.#endings.end(connection, how === 'graceful' ? graces.stoppedMs : 0)
    if (how === 'at-once') this.#endings.hurry()
    await this.#endings.untilEnded()
  }

  /** Settles when no call is in flight on it, or on a process of its that comes to its end; or after so long. */
  async untilUnused(milliseconds: number): Promise<void> {
    const connections = [
      ...this.#endings.withGrace,
      ...(this.connection === undefined ? [] : [this.connection]),
    ]
    await Promise.all(connections.map(({ requests }) => requests.untilUnused(milliseconds)))
  }

  /** Takes on settings that do not concern what runs. A server that kept failing may do so no more with them. */
  adjust(server: ServerConfig): void {
    const { tools } = server
    const isOther = !isSameValue({ ...this.#server, tools }, server)
    const isDelayed = this.#isDelayed && this.#server.startDelayMs !== server.startDelayMs
    this.#server = server
    if (isDelayed) this.#connectIn(server.startDelayMs)
    this.#health?.adjust(server.health)
    this.#idleStop.adjust(server.idleStopSeconds)
    if (isOther && hasGivenUp(this.#state)) this.start()
    if (isOther && this.#state.state === 'back-off') this.#retry()
  }

  /** Goes over to another way of starting the server; what is in flight comes to its end first. */
  replace(server: ServerConfig): void {
    this.#server = server
    const connection = this.#leave()
    this.#failures = []
    this.#apply({ type: 'replaced' })
    if (connection !== undefined) this.#endings.end(connection, graces.stoppedMs)
    if (this.#state.state === 'starting') this.#connect()
  }

  /** The computer slept, or something else makes it doubtful that all is as it was. */
  checkNow(): void {
    this.#health?.checkNow()
    this.connection?.checkNow()
    // What was said of them meanwhile may have gone where nobody heard it.
    if (this.connection !== undefined) this.#following = this.#lists.follow(this.connection)
    if (this.#state.state === 'back-off') this.#retry()
  }

  /** The open session: at once, or when it is open. Rejects as soon as it is plain that it will not be. */
  async whenReady(): Promise<Connection> {
    while (this.connection === undefined) {
      const toError = (): Error => new ServerUnavailable(this.#server.name, this.#state)
      if (this.#state.state !== 'starting') throw toError()
      await this.#waiters.wait(this.#server.timeouts.connectSeconds * 1000 + preparingMs, toError)
    }
    return this.connection
  }

  /** Settles when its lists are known from it; rejects as soon as it is plain that they will not be. */
  async whenListed(): Promise<void> {
    await this.whenReady()
    await this.#following
  }

  /** Reads one list anew, since the server says that it changed. */
  refresh(connection: Connection, kind: ListKind): void {
    // One that comes to its end may be of another program already.
    if (connection === this.connection) void this.#lists.refresh(connection, kind)
  }

  #connectIn(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#isDelayed = milliseconds > 0
    if (this.#isDelayed) this.#timer = setTimeout(this.#connect, milliseconds)
    else this.#connect()
  }

  readonly #retry = (): void => {
    clearTimeout(this.#timer)
    this.#apply({ type: 'retry-due' })
    this.#connect()
  }

  readonly #connect = (): void => {
    const life = ++this.#life
    this.#isDelayed = false
    const server = this.#server
    const options = {
      context: this.#context,
      output: findOutput(this.#server, this.#context),
      logger: this.#logger,
    }
    // Two copies of a program at once could stand in each other's way.
    const ended = server.transport.type === 'stdio' ? this.#endings.untilEnded() : Promise.resolve()
    ended
      .then(() => prepareTransport(server, options))
      .then(
        (openCarrier) => {
          if (life === this.#life) this.#open(openCarrier)
        },
        (error: unknown) => {
          if (life === this.#life) this.#fail(toFailureReason(error, server.transport))
        },
      )
  }

  #open(openCarrier: OpenCarrier): void {
    const { transport, timeouts } = this.#server
    const connection = new Connection(
      {
        openCarrier,
        connectMs: timeouts.connectSeconds * 1000,
        output: findOutput(this.#server, this.#context),
        logger: this.#logger,
      },
      {
        onRequest: (from, request, cause) => {
          this.#listener.onRequest(this, from, request, cause)
        },
        onNotification: (from, notification, cause) => {
          this.#listener.onNotification(this, from, notification, cause)
        },
        onDrained: this.#listener.onDrained,
        onDoubtful: (from) => {
          if (from === this.#connection) this.#health?.checkNow()
        },
        onExpired: this.#renew,
        onClosed: (from, reason) => {
          this.#listener.onClosed(from)
          this.#lose(from, reason)
        },
      },
    )
    this.#connection = connection
    connection.opened.then(
      () => {
        this.#onOpened(connection)
      },
      (error: unknown) => {
        this.#lose(connection, toFailureReason(error, transport), error instanceof OpeningTimedOut)
      },
    )
  }

  #onOpened(connection: Connection): void {
    if (this.#connection !== connection || this.#state.state !== 'starting') return
    this.#listener.onOpened(this, connection)
    this.#following = this.#lists.follow(connection)
    this.#health = new HealthCheck(connection, this.#server.health, {
      onSilent: (reason) => {
        this.#apply({ type: 'went-silent', reason })
      },
      onAlive: () => {
        this.#apply({ type: 'answered' })
      },
      onDead: (reason) => {
        this.#lose(connection, reason, true)
      },
    })
    this.#apply({ type: 'negotiated' })
    this.#idleStop.adjust(this.#server.idleStopSeconds)
  }

  /** The server has forgotten the session: what is in flight comes to its end, and another one is opened at once. */
  readonly #renew = (connection: Connection): void => {
    if (this.#connection !== connection) return
    if (this.#renewals.note() || !connection.hasServed) {
      this.#lose(connection, 'it forgets its sessions as soon as it has opened them', true)
      return
    }
    this.#leave()
    this.#apply({ type: 'expired' })
    this.#endings.end(connection, graces.forgottenMs)
    this.#connect()
  }

  /** The session failed, maybe since the server `isSilent`: it is ended, and opened again unless it failed too often. */
  #lose(connection: Connection, cause: string, isSilent = false): void {
    if (this.#connection !== connection) return
    this.#leave()
    connection.abandon(this.#fail(cause, toFailureKind(this.#server.transport, connection.end, isSilent)))
    this.#endings.end(connection)
  }

  /** Gives the cause without secrets. */
  #fail(cause: string, kind?: FailureKind): string {
    const { restart } = this.#server
    const reason = redactReason(cause, this.#server, this.#context)
    this.#failures = addFailure(restart, this.#failures, performance.now(), kind)
    const decision = decideRestart(restart, this.#failures, Math.random(), kind)
    this.#apply({ type: 'failed', reason, decision })
    if (decision.type === 'retry') this.#timer = setTimeout(this.#retry, decision.delayMs)
    return reason
  }

  /** Whatever was under way is so no more; gives the session that is to be ended. */
  #leave(): Connection | undefined {
    this.#life += 1
    this.#isDelayed = false
    clearTimeout(this.#timer)
    this.#health?.stop()
    this.#health = undefined
    this.#idleStop.stop()
    const connection = this.#connection
    this.#connection = undefined
    return connection
  }

  #apply(event: UpstreamEvent): void {
    const before = this.#state
    this.#state = nextState(before, event)
    if (this.#state === before) return
    logState(this.#logger, this.#state)
    if (this.#state.state !== 'starting') this.#waiters.settle()
    this.#listener.onStateChanged(this)
  }
}
