import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Config } from './config/config.ts'
import { readAccessToken } from './gateway/access-token.ts'
import { removeRendezvous, writeRendezvous } from './gateway/rendezvous-file.ts'
import { openSocketEndpoint } from './gateway/socket-endpoint.ts'
import { toSocketPath } from './gateway/socket-path.ts'
import { withStartLock } from './gateway/start-lock.ts'
import { serveStdio } from './gateway/stdio-endpoint.ts'
import type { Host } from './host.ts'
import type { Logger } from './observe/logger.ts'
import { Router } from './router/router.ts'
import type { ServerPool } from './upstream/server-pool.ts'

/** The running core. */
export interface Core {
  /** The enabled servers, in the order of the configuration. */
  readonly pools: readonly ServerPool[]
  /** Recalls what was known of the servers when Patchbay last ran. */
  recall(): Promise<void>
  /** Starts the servers; they are ready later. */
  startServers(): void
  /** Opens the local socket and writes the rendezvous; gives the socket's path. `config` tells which configuration runs. Rejects with SocketTaken. */
  openSocket(config?: string): Promise<string>
  /** Serves one client on streams; settles when it is gone. */
  serveStdio(input: Readable, output: Writable): Promise<void>
  /** Ends clients, servers and the socket, in that order. */
  close(): Promise<void>
}

/** Puts the core together. Nothing is started or opened yet. */
export function createCore(config: Config, host: Host, logger: Logger): Core {
  const { messageBytes } = config.limits
  const router = new Router(config.servers, config.gateway, { host, logger, messageBytes })
  const closers: (() => Promise<void>)[] = [() => router.close()]
  return {
    pools: router.pools,
    recall: () => router.recall(),
    startServers: () => {
      router.start()
    },
    openSocket: async (config) => {
      const { dataFolder, platform, env, appVersion } = host
      // Of two apps that start for the first time at once, the second takes the token that the first one made.
      const lock = path.join(dataFolder, 'access-token.lock')
      const token = await withStartLock(lock, () => readAccessToken(dataFolder))
      const socket = toSocketPath({
        dataFolder,
        platform,
        env,
        user: String(process.getuid?.() ?? env['USERNAME'] ?? ''),
        tempFolder: tmpdir(),
        isFolder: (folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false,
      })
      const endpoint = await openSocketEndpoint({ socket, platform, token, messageBytes, router, logger })
      const startedAt = new Date().toISOString()
      closers.unshift(() => endpoint.close())
      await writeRendezvous(dataFolder, {
        version: 1,
        pid: process.pid,
        startedAt,
        appVersion,
        socket,
        url: null,
        token,
        ...(config === undefined ? {} : { config }),
      })
      closers.unshift(() => removeRendezvous(dataFolder, process.pid))
      return socket
    },
    serveStdio: (input, output) => serveStdio({ input, output, messageBytes, router, logger }),
    close: async () => {
      for (const close of closers) await close()
    },
  }
}
