import type { RpcNotification, RpcRequest } from '#base/json-rpc.ts'
import type { ServerConfig } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import { createRedactor } from '../observe/redact.ts'
import type { ProcessCommand } from '../supervisor/managed-process.ts'
import { addFailure, decideRestart, type Failures } from '../supervisor/restart-policy.ts'
import { Connection } from './connection/connection.ts'
import { HealthCheck } from './health-check.ts'
import { IdleStop } from './idle-stop.ts'
import { ListFollower } from './lists/list-follower.ts'
import type { ListKind, Lists } from './lists/list-items.ts'
import { openStdioCarrier } from './connection/stdio-carrier.ts'
import { ServerUnavailable } from './server-unavailable.ts'
import type { UpstreamContext } from './upstream-context.ts'
import {
  isAtRest,
  isOpen,
  nextState,
  toLogLine,
  type UpstreamEvent,
  type UpstreamState,
} from './upstream-state.ts'

/** What an upstream tells. */
export interface UpstreamListener {
  readonly onRequest: (upstream: Upstream, connection: Connection, request: RpcRequest) => void
  readonly onNotification: (upstream: Upstream, connection: Connection, notification: RpcNotification) => void
  readonly onDrained: (connection: Connection) => void
  /** A session with the server was opened: what it has to know of our clients is to be told anew. */
  readonly onOpened: (upstream: Upstream, connection: Connection) => void
  readonly onClosed: (connection: Connection) => void
  readonly onStateChanged: (upstream: Upstream) => void
  readonly onListsChanged: (upstream: Upstream) => void
  /** Whether clients wait for news of it, so that it is in use though no request is in flight. */
  readonly isWatched: (upstream: Upstream) => boolean
}

interface Waiter {
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: ServerUnavailable) => void
}

/** How long calls in flight may take to end before a server is stopped that somebody wants to be another, or no more. */
const drainMs = 5000

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
  /** Counts lives, so that what an earlier one still has to say finds that it is over. */
  #life = 0
  #waiters: Waiter[] = []
  #following: Promise<void> = Promise.resolve()
  /** Sessions that end: their processes may outlast them for a moment. */
  readonly #endings = new Set<Promise<void>>()
  /** What ends the grace of each of them. */
  readonly #graces = new Set<AbortController>()

  constructor(server: ServerConfig, context: UpstreamContext, lists: Lists, listener: UpstreamListener) {
    this.#server = server
    this.#context = context
    this.#listener = listener
    this.#logger = context.logger.with({ server: server.name })
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
    if (this.#state.state === 'stopped' && this.#state.stays !== true) this.start()
  }

  /** Ends the session and the process tree behind it. */
  async stop(reason?: string): Promise<void> {
    const connection = this.#leave()
    this.#apply(reason === undefined ? { type: 'stop-asked' } : { type: 'stop-asked', reason })
    if (connection !== undefined) this.#end(connection)
    for (const grace of this.#graces) grace.abort()
    await Promise.all(this.#endings)
  }

  /** Takes nothing more, lets what is in flight come to its end for a while, then stops. */
  async retire(reason: string): Promise<void> {
    const connection = this.#leave()
    this.#apply({ type: 'stop-asked', reason })
    if (connection !== undefined) this.#end(connection, drainMs)
    await Promise.all(this.#endings)
  }

  /** Takes on settings that do not concern what runs. */
  adjust(server: ServerConfig): void {
    this.#server = server
    this.#health?.adjust(server.health)
    this.#idleStop.adjust(server.idleStopSeconds)
  }

  /** Goes over to another way of starting the server; what is in flight comes to its end first. */
  replace(server: ServerConfig): void {
    this.#server = server
    const connection = this.#leave()
    this.#failures = []
    this.#apply({ type: 'replaced' })
    if (connection !== undefined) this.#end(connection, drainMs)
    if (this.#state.state !== 'starting') return
    const life = this.#life
    // Two copies at once could stand in each other's way.
    void Promise.all(this.#endings).then(() => {
      if (life === this.#life) this.#connectIn(0)
    })
  }

  /** The computer slept, or something else makes it doubtful that all is as it was. */
  checkNow(): void {
    this.#health?.checkNow()
    if (this.#state.state === 'back-off') this.#retry()
  }

  /** The open session: at once, or when it is open. Rejects as soon as it is plain that it will not be. */
  whenReady(): Promise<Connection> {
    const { connection } = this
    if (connection !== undefined) return Promise.resolve(connection)
    if (this.#state.state !== 'starting')
      return Promise.reject(new ServerUnavailable(this.#server.name, this.#state))
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
    })
  }

  /** Settles when its lists are known from it; rejects as soon as it is plain that they will not be. */
  async whenListed(): Promise<void> {
    await this.whenReady()
    await this.#following
  }

  /** Reads one list anew, since the server says that it changed. */
  refresh(connection: Connection, kind: ListKind): void {
    void this.#lists.refresh(connection, kind)
  }

  #connectIn(milliseconds: number): void {
    if (milliseconds === 0) this.#connect()
    else this.#timer = setTimeout(this.#connect, milliseconds)
  }

  readonly #retry = (): void => {
    clearTimeout(this.#timer)
    this.#apply({ type: 'retry-due' })
    this.#connect()
  }

  readonly #connect = (): void => {
    this.#life += 1
    const life = this.#life
    const { command, args, env, cwd } = this.#server.transport
    this.#context.launcher.prepare({ command, args, env, cwd }).then(
      (ready) => {
        if (life === this.#life) this.#open(ready)
      },
      (error: unknown) => {
        if (life === this.#life) this.#fail(toReason(error))
      },
    )
  }

  #open(command: ProcessCommand): void {
    const { host, limits, launcher, outputs } = this.#context
    const { name, transport, timeouts } = this.#server
    const { platform } = host
    const { messageBytes } = limits
    const output = outputs.get(name, transport.env)
    const logger = this.#logger
    const connection = new Connection(
      {
        openCarrier: (listener) =>
          openStdioCarrier(
            launcher.launch(command, name),
            { platform, messageBytes, output, logger },
            listener,
          ),
        connectMs: timeouts.connectSeconds * 1000,
        onOutput: (line) => {
          output.add('stdout', line)
        },
        logger,
      },
      {
        onRequest: (from, request) => {
          this.#listener.onRequest(this, from, request)
        },
        onNotification: (from, notification) => {
          this.#listener.onNotification(this, from, notification)
        },
        onDrained: (from) => {
          this.#listener.onDrained(from)
        },
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
        this.#lose(connection, toReason(error))
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
        this.#lose(connection, reason)
      },
    })
    this.#apply({ type: 'negotiated' })
    this.#idleStop.adjust(this.#server.idleStopSeconds)
  }

  /** The session failed: it is ended, and opened again unless it failed too often. */
  #lose(connection: Connection, cause: string): void {
    if (this.#connection !== connection) return
    this.#leave()
    this.#fail(cause)
    connection.abandon(cause)
    this.#end(connection)
  }

  #fail(cause: string): void {
    const { restart, transport } = this.#server
    const reason = createRedactor(transport.env)(cause)
    this.#failures = addFailure(restart, this.#failures, Date.now())
    const decision = decideRestart(restart, this.#failures, Math.random())
    this.#apply({ type: 'failed', reason, decision })
    if (decision.type === 'retry') this.#timer = setTimeout(this.#retry, decision.delayMs)
  }

  /** Whatever was under way is so no more; gives the session that is to be ended. */
  #leave(): Connection | undefined {
    this.#life += 1
    clearTimeout(this.#timer)
    this.#health?.stop()
    this.#health = undefined
    this.#idleStop.stop()
    const connection = this.#connection
    this.#connection = undefined
    return connection
  }

  /** Ends a session once the calls in flight on it have come to their end, or after a grace. */
  #end(connection: Connection, graceMs = 0): void {
    const grace = new AbortController()
    const end = async (): Promise<void> => {
      if (graceMs > 0) await connection.requests.untilUnused(graceMs, grace.signal)
      connection.abandon('Patchbay stopped it')
      await connection.stop()
    }
    this.#graces.add(grace)
    const ending = end().finally(() => {
      this.#graces.delete(grace)
      this.#endings.delete(ending)
    })
    this.#endings.add(ending)
  }

  #apply(event: UpstreamEvent): void {
    const before = this.#state
    this.#state = nextState(before, event)
    if (this.#state === before) return
    const reason = 'reason' in this.#state ? { reason: this.#state.reason } : {}
    const { level, sentence } = toLogLine(this.#state)
    this.#logger[level](sentence, reason)
    this.#settleWaiters()
    this.#listener.onStateChanged(this)
  }

  #settleWaiters(): void {
    if (this.#state.state === 'starting') return
    const waiters = this.#waiters
    this.#waiters = []
    const { connection } = this
    for (const { resolve, reject } of waiters) {
      if (connection === undefined) reject(new ServerUnavailable(this.#server.name, this.#state))
      else resolve(connection)
    }
  }
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
