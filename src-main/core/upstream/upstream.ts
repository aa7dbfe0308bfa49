import type { RpcNotification, RpcRequest } from '#base/json-rpc.ts'
import type { ServerConfig } from '../config/config.ts'
import type { Host } from '../host.ts'
import type { Logger } from '../observe/logger.ts'
import { maskValues } from '../observe/mask-values.ts'
import { addFailure, decideRestart, type Failures } from '../supervisor/restart-policy.ts'
import { Connection } from './connection.ts'
import { ListFollower } from './list-follower.ts'
import type { ListKind, Lists } from './list-items.ts'
import { openStdioCarrier } from './stdio-carrier.ts'
import { ServerUnavailable } from './server-unavailable.ts'
import { nextState, toLogLine, type UpstreamEvent, type UpstreamState } from './upstream-state.ts'

/** What an upstream needs; one object for all upstreams of a core. */
export interface UpstreamContext {
  readonly host: Host
  readonly logger: Logger
  /** Longest message, in bytes. */
  readonly messageBytes: number
}

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
}

interface Waiter {
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: ServerUnavailable) => void
}

/** Our live connection to one server: started, restarted after failures, stopped. */
export class Upstream {
  readonly server: ServerConfig
  readonly #context: UpstreamContext
  readonly #listener: UpstreamListener
  readonly #logger: Logger
  readonly #lists: ListFollower
  #state: UpstreamState = { state: 'stopped' }
  #failures: Failures = []
  #connection: Connection | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #waiters: Waiter[] = []
  #following: Promise<void> = Promise.resolve()
  /** Sessions that end: their processes may outlast them for a moment. */
  readonly #endings = new Set<Promise<void>>()

  constructor(server: ServerConfig, context: UpstreamContext, lists: Lists, listener: UpstreamListener) {
    this.server = server
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
    return this.#state.state === 'ready' ? this.#connection : undefined
  }

  start(): void {
    if (this.#state.state !== 'stopped' && this.#state.state !== 'crash-loop') return
    this.#failures = []
    this.#apply({ type: 'start-asked' })
    this.#connect()
  }

  /** Ends the session and the process tree behind it. */
  async stop(): Promise<void> {
    clearTimeout(this.#retryTimer)
    const connection = this.#connection
    this.#apply({ type: 'stop-asked' })
    if (connection !== undefined) this.#end(connection)
    await Promise.all(this.#endings)
  }

  /** The open session: at once, or when it is open. Rejects as soon as it is plain that it will not be. */
  whenReady(): Promise<Connection> {
    const { connection } = this
    if (connection !== undefined) return Promise.resolve(connection)
    if (this.#state.state !== 'starting')
      return Promise.reject(new ServerUnavailable(this.server.name, this.#state))
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

  #connect(): void {
    const { host, messageBytes } = this.#context
    const { transport, timeouts } = this.server
    const connection = new Connection(
      {
        openCarrier: (listener) =>
          openStdioCarrier(
            transport,
            { env: host.env, platform: host.platform, messageBytes, logger: this.#logger },
            listener,
          ),
        connectMs: timeouts.connectSeconds * 1000,
        logger: this.#logger,
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
          this.#onFailed(from, reason)
        },
      },
    )
    this.#connection = connection
    connection.opened.then(
      () => {
        this.#onOpened(connection)
      },
      (error: unknown) => {
        this.#onFailed(connection, error instanceof Error ? error.message : String(error))
      },
    )
  }

  #onOpened(connection: Connection): void {
    if (this.#connection !== connection || this.#state.state !== 'starting') return
    this.#listener.onOpened(this, connection)
    this.#following = this.#lists.follow(connection)
    this.#apply({ type: 'negotiated' })
  }

  #onFailed(connection: Connection, cause: string): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#end(connection)
    if (this.#state.state === 'stopped') return
    const { restart, transport } = this.server
    const reason = maskValues(cause, Object.values(transport.env))
    this.#failures = addFailure(restart, this.#failures, Date.now())
    const decision = decideRestart(restart, this.#failures, Math.random())
    this.#apply({ type: 'failed', reason, decision })
    if (decision.type !== 'retry') return
    this.#retryTimer = setTimeout(() => {
      this.#apply({ type: 'retry-due' })
      this.#connect()
    }, decision.delayMs)
  }

  #end(connection: Connection): void {
    const ending = connection.stop().finally(() => {
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
      if (connection === undefined) reject(new ServerUnavailable(this.server.name, this.#state))
      else resolve(connection)
    }
  }
}
