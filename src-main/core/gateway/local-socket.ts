import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Config } from '../config/config.ts'
import type { Host } from '../host.ts'
import type { Logger } from '../observe/logger.ts'
import type { Router } from '../router/router.ts'
import { readAccessToken } from './access-token.ts'
import { removeRendezvous, writeRendezvous } from './rendezvous-file.ts'
import { openSocketEndpoint } from './socket-endpoint.ts'
import { toSocketPath } from './socket-path.ts'
import { withStartLock } from './start-lock.ts'

/** What the local socket of a data folder needs. */
export interface LocalSocketOptions {
  readonly host: Host
  /** The file of the configuration that runs. */
  readonly configFile: string | undefined
  readonly limits: Config['limits']
  readonly router: Router
  readonly logger: Logger
}

/** The local socket of a data folder, which the rendezvous tells of. */
export interface LocalSocket {
  readonly path: string
  /** Takes the rendezvous away, then ends clients and socket. */
  close(): Promise<void>
}

/** Opens the local socket and tells where it is. Rejects with SocketTaken; then, and with any other error, nothing stays open. */
export async function openLocalSocket(options: LocalSocketOptions): Promise<LocalSocket> {
  const { host, configFile, limits, router, logger } = options
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
  const endpoint = await openSocketEndpoint({ socket, platform, token, limits, router, logger })
  try {
    await writeRendezvous(dataFolder, {
      version: 1,
      pid: process.pid,
      startedAt: new Date().toISOString(),
      appVersion,
      socket,
      url: null,
      token,
      ...(configFile === undefined ? {} : { config: configFile }),
    })
  } catch (error) {
    await endpoint.close()
    throw error
  }
  return {
    path: socket,
    close: async () => {
      await removeRendezvous(dataFolder, process.pid)
      await endpoint.close()
    },
  }
}
