import { access, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '#core/config/config.ts'
import { parseConfig, readConfig, type ConfigResult } from '#core/config/read-config.ts'

/** The configuration of a command: its file and what was read from it. */
export interface LoadedConfig {
  readonly file: string
  readonly result: ConfigResult
}

/** Reads `--config FILE`, else the data folder's config.json, else `ifNone`; without any there are no servers yet. */
export async function loadConfig(
  option: string | undefined,
  dataFolder: string,
  ifNone?: string,
): Promise<LoadedConfig> {
  const own = path.join(dataFolder, 'config.json')
  const file = path.resolve(option ?? ((await isThere(own)) ? own : (ifNone ?? own)))
  if (file === own && option === undefined && !(await isThere(own))) {
    return { file, result: parseConfig('{"version":1}', file, process.env) }
  }
  return { file, result: await readConfig(file, process.env) }
}

/** Whether there is such a file. */
export async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** How many servers there are, in words. */
export function toServerCount({ servers }: Config): string {
  const enabled = servers.filter((server) => server.enabled).length
  const off = servers.length - enabled
  return `${enabled} ${enabled === 1 ? 'server' : 'servers'}${off === 0 ? '' : ` (${off} switched off)`}`
}

/** Tells one state of a configuration file from another: its path and when it was written. */
export async function toConfigStamp(file: string): Promise<string> {
  const written = await stat(file).then(
    ({ mtimeMs }) => String(mtimeMs),
    () => 'none',
  )
  return `${file} ${written}`
}
