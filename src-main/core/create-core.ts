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
  const { dataFolder, env, platform } = host
  const limits = { ...config.limits }
  const outputs = new ServerOutputs({ folder: path.join(dataFolder, 'logs'), settings: config.logs, logger })
  const recordFolder = path.join(dataFolder, 'run', 'children')
  const launcher = new Launcher({ env, platform, recordFolder, logger })
  let letStart: () => void = () => undefined
  // A server that an earlier app left running could stand in the way of its next process.
  const after = new Promise<void>((resolve) => {
    letStart = resolve
  })
  const http = new HttpClient({ env })
  const router = new Router(config, { host, logger, launcher, outputs, http, limits, after })
  const endWatch = watchForWake(() => {
    logger.info('The computer slept; every server is checked.')
    router.checkNow()
  })
  const closers: (() => Promise<void> | void)[] = [
    endWatch,
    () => launcher.stop(),
    () => router.close(),
    () => http.close(),
    () => outputs.close(),
  ]
  let applied = Promise.resolve()
  let orphansEnded: Promise<unknown> = Promise.resolve()
  let isClosed = false
  let current = config
  let gateway: Gateway | undefined
  return {
    get pools() {
      return router.pools
    },
    recall: () => router.recall(),
    startServers: async () => {
      orphansEnded = launcher.endOrphans()
      await orphansEnded
      letStart()
      if (!isClosed) router.start()
    },
    apply: (next) => {
      const done = applied.then(async () => {
        if (isClosed) return
        current = next
        Object.assign(limits, next.limits)
        outputs.apply(next.logs)
        await router.apply(next)
        await gateway?.apply(next.gateway)
      })
      // One that fails must not keep the next from being applied.
      applied = done.catch(() => undefined)
      return done
    },
    open: async (options) => {
      const opened = await openGateway({
        ...options,
        settings: current.gateway,
        host,
        limits,
        router,
        logger,
      })
      closers.unshift(() => opened.close())
      gateway = opened
      return opened
    },
    serveStdio: (input, output) => serveStdio({ input, output, limits, router, logger }),
    close: async () => {
      isClosed = true
      letStart()
      await Promise.all([applied, router.untilUnused(lastCallsMs)])
      for (const close of closers) await close()
      await orphansEnded
    },
  }
}
