import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Config } from './config/config.ts'
import { openLocalSocket } from './gateway/local-socket.ts'
import { serveStdio } from './gateway/stdio-endpoint.ts'
import type { Host } from './host.ts'
import type { Logger } from './observe/logger.ts'
import { ServerOutputs } from './observe/server-output.ts'
import { Router } from './router/router.ts'
import { Launcher } from './supervisor/launcher.ts'
import { watchForWake } from './supervisor/wake-watch.ts'
import type { ServerPool } from './upstream/server-pool.ts'

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
  /** Opens the local socket and writes the rendezvous; gives the socket's path. `configFile` is the configuration that runs. Rejects with SocketTaken. */
  openSocket(configFile?: string): Promise<string>
  /** Serves one client on streams; settles when it is gone. */
  serveStdio(input: Readable, output: Writable): Promise<void>
  /** Gives calls in flight a moment to come to their end, then ends clients, servers and the socket, in that order. */
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
  const router = new Router(config, { host, logger, launcher, outputs, limits, after })
  const endWatch = watchForWake(() => {
    logger.info('The computer slept; every server is checked.')
    router.checkNow()
  })
  const closers: (() => Promise<void> | void)[] = [
    endWatch,
    () => launcher.stop(),
    () => router.close(),
    () => outputs.close(),
  ]
  let applied = Promise.resolve()
  let orphansEnded: Promise<unknown> = Promise.resolve()
  let isClosed = false
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
        limits.messageBytes = next.limits.messageBytes
        outputs.apply(next.logs)
        await router.apply(next)
      })
      // One that fails must not keep the next from being applied.
      applied = done.catch(() => undefined)
      return done
    },
    openSocket: async (configFile) => {
      const socket = await openLocalSocket({ host, configFile, limits, router, logger })
      closers.unshift(() => socket.close())
      return socket.path
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
