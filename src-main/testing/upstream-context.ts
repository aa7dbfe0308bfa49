import path from 'node:path'
import type { Host } from '#core/host.ts'
import type { Logger } from '#core/observe/logger.ts'
import { ServerOutputs } from '#core/observe/server-output.ts'
import { Launcher } from '#core/supervisor/launcher.ts'
import { HttpClient } from '#core/upstream/http/http-client.ts'
import type { UpstreamContext } from '#core/upstream/upstream-context.ts'
import { createFakeHost } from './fake-host.ts'

/** What upstreams need, as create-core.ts puts it together, around a data folder of the test's own. */
export function createUpstreamContext(
  dataFolder: string,
  logger: Logger,
  changes: { readonly host?: Partial<Host>; readonly messageBytes?: number } = {},
): UpstreamContext {
  const host = createFakeHost(dataFolder, changes.host)
  const { env, platform } = host
  const settings = { maxBytes: 10_485_760, keepDays: 2 }
  return {
    host,
    logger,
    launcher: new Launcher({ env, platform, recordFolder: path.join(dataFolder, 'run', 'children'), logger }),
    outputs: new ServerOutputs({ folder: path.join(dataFolder, 'logs'), settings, logger }),
    http: new HttpClient({ env }),
    limits: { messageBytes: changes.messageBytes ?? 2 ** 26, bodyBytes: 2 ** 26 },
  }
}
