import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Config } from './config/config.ts'
import { openGateway, type Gateway, type GatewayOptions } from './gateway/gateway.ts'
import { serveStdio } from './gateway/stdio-endpoint.ts'
import type { Host } from './host.ts'
import type { Logger } from './observe/logger.ts'
import { ServerOutputs } from './observe/server-output.ts'
import { Router } from './router/router.ts'
import { Launcher } from './supervisor/launcher.ts'
import { HttpClient } from './upstream/http/http-client.ts'
import { watchForWake } from './supervisor/wake-watch.ts'
import type { ServerPool } from './upstream/server-pool.ts'

/** How the core is reached, in what it does not know by itself. */
export type OpenOptions = Pick<GatewayOptions, 'configFile' | 'isHttp' | 'overrides'>

/** The running core. */
export interface Core {
  /** The enabled servers, in the order of the configuration. */
  readonly pools: readonly ServerPool[]
  /** Recalls what was known of the servers when Patchbay last ran. */
  recall(): Promise<void>
  /** Ends what an earlier app left behind, then starts the servers; they are ready later. */
  startServers(): Promise<void>
  /** Goes over to another configuration; what did not change is not touched. */
  apply(config: Config): Promise<void>
  /**
   * Opens the local socket and HTTP and writes the rendezvous. Rejects with SocketTaken, PortTaken or AddressUnusable;
   * then nothing stays open.
   */
  open(options: OpenOptions): Promise<Pick<Gateway, 'socket' | 'url'>>
  /** Serves one client on streams; settles when it is gone. */
  serveStdio(input: Readable, output: Writable): Promise<void>
  /** Gives calls in flight a moment to come to their end, then ends clients, servers and what they were reached by. */
  close(): Promise<void>
}

/** How long calls in flight may take to end once we are asked to stop, in milliseconds. */
const lastCallsMs = 1500

/** Puts the core together. Nothing is started or opened yet. */
export function createCore(config: Config, host: Host, logger: Logger): Core {
  return new AssembledCore(config, host, logger)
}

class AssembledCore implements Core {
  readonly #host: Host
  readonly #logger: Logger
  readonly #limits: { -readonly [limit in keyof Config['limits']]: number }
  readonly #outputs: ServerOutputs
  readonly #launcher: Launcher
  readonly #router: Router
  readonly #closers: (() => Promise<void> | void)[]
  #config: Config
  #gateway: Gateway | undefined
  #letStart: () => void = () => undefined
  #applied = Promise.resolve()
  #orphansEnded: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(config: Config, host: Host, logger: Logger) {
    const { dataFolder, env, platform } = host
    this.#host = host
    this.#logger = logger
    this.#config = config
    this.#limits = { ...config.limits }
    const outputs = new ServerOutputs({
      folder: path.join(dataFolder, 'logs'),
      settings: config.logs,
      logger,
    })
    const recordFolder = path.join(dataFolder, 'run', 'children')
    const launcher = new Launcher({ env, platform, recordFolder, logger })
    // A server that an earlier app left running could stand in the way of its next process.
    const after = new Promise<void>((resolve) => {
      this.#letStart = resolve
    })
    const http = new HttpClient({ env })
    const limits = this.#limits
    const router = new Router(config, { host, logger, launcher, outputs, http, limits, after })
    const endWatch = watchForWake(() => {
      logger.info('The computer slept; every server is checked.')
      router.checkNow()
    })
    this.#outputs = outputs
    this.#launcher = launcher
    this.#router = router
    this.#closers = [
      endWatch,
      () => launcher.stop(),
      () => router.close(),
      () => http.close(),
      () => outputs.close(),
    ]
  }

  get pools(): readonly ServerPool[] {
    return this.#router.pools
  }

  recall(): Promise<void> {
    return this.#router.recall()
  }

  async startServers(): Promise<void> {
    this.#orphansEnded = this.#launcher.endOrphans()
    await this.#orphansEnded
    this.#letStart()
    if (!this.#isClosed) this.#router.start()
  }

  apply(next: Config): Promise<void> {
    const done = this.#applied.then(async () => {
      if (this.#isClosed) return
      this.#config = next
      Object.assign(this.#limits, next.limits)
      this.#outputs.apply(next.logs)
      await this.#router.apply(next)
      await this.#gateway?.apply(next.gateway)
    })
    // One that fails must not keep the next from being applied.
    this.#applied = done.catch(() => undefined)
    return done
  }

  async open(options: OpenOptions): Promise<Pick<Gateway, 'socket' | 'url'>> {
    const gateway = await openGateway({
      ...options,
      settings: this.#config.gateway,
      host: this.#host,
      limits: this.#limits,
      router: this.#router,
      logger: this.#logger,
    })
    this.#closers.unshift(() => gateway.close())
    this.#gateway = gateway
    return gateway
  }

  serveStdio(input: Readable, output: Writable): Promise<void> {
    return serveStdio({ input, output, limits: this.#limits, router: this.#router, logger: this.#logger })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#letStart()
    await Promise.all([this.#applied, this.#router.untilUnused(lastCallsMs)])
    for (const close of this.#closers) await close()
    await this.#orphansEnded
  }
}
