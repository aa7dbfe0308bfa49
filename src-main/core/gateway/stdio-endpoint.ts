import type { Readable, Writable } from 'node:stream'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import type { Router } from '../router/router.ts'
import { ClientCarrier } from './client-carrier.ts'

/** What serving one client on a pair of streams needs. */
export interface StdioOptions {
  readonly input: Readable
  readonly output: Writable
  readonly limits: Config['limits']
  readonly router: Router
  readonly logger: Logger
}

/** Serves the one client that started us on our stdin and stdout; settles when it is gone. */
export function serveStdio({ router, limits, ...streams }: StdioOptions): Promise<void> {
  return new Promise((resolve) => {
    const carrier = new ClientCarrier({ ...streams, messageBytes: limits.messageBytes }, resolve)
    carrier.join(router.connect({ name: 'stdio', server: undefined, port: carrier }))
  })
}
