import type { Config } from '../config/config.ts'
import type { Host } from '../host.ts'
import type { Logger } from '../observe/logger.ts'
import type { ServerOutputs } from '../observe/server-output.ts'
import type { Launcher } from '../supervisor/launcher.ts'
import type { HttpClient } from './http/http-client.ts'

/** What an upstream needs; one object for all upstreams of a core. */
export interface UpstreamContext {
  readonly host: Host
  readonly logger: Logger
  readonly launcher: Launcher
  readonly outputs: ServerOutputs
  readonly http: HttpClient
  /** What holds for sessions that are opened after a change. */
  readonly limits: Config['limits']
  /** What is to be over before anything is started: the same server may still be ending. */
  readonly after?: Promise<unknown>
}
