import type { Config } from '#core/config/config.ts'
import { findConfigFile, type ConfigCandidate } from '#core/config/store/find-config-file.ts'
import type { ConfigProblem, ConfigResult } from '#core/config/read-config.ts'
import {
  readSource,
  toEffective,
  type EffectiveConfig,
  type SourceReading,
} from '#core/config/store/read-source.ts'

/** The configuration of a command: its file and what was read from it, with overrides on top. */
export interface LoadedConfig {
  readonly file: string
  readonly result: ConfigResult
  /** Where overrides and the file disagree. */
  readonly changes: EffectiveConfig['changes']
  /** What is wrong with a config.json that is read for its overrides alone: it is left aside then. */
  readonly besideProblems: readonly ConfigProblem[]
  /** Every place that was looked at, in the order in which they count. */
  readonly searched: readonly ConfigCandidate[]
  /** What `openConfigStore` goes on from; undefined when the file may not be used. */
  readonly reading: SourceReading | undefined
}

/** Where to look besides the data folder. */
export interface LoadOptions {
  /** What to use while there is nothing else. */
  readonly ifNone?: string | undefined
  /** The folder to search from upwards; nothing is searched without it. */
  readonly searchFrom?: string | undefined
}

/** Reads `--config FILE`, else what `findConfigFile` finds; without any there are no servers yet. */
export async function loadConfig(
  option: string | undefined,
  dataFolder: string,
  { ifNone, searchFrom }: LoadOptions = {},
): Promise<LoadedConfig> {
  const { source, searched, problem } = await findConfigFile({ option, dataFolder, ifNone, searchFrom })
  const { file } = source
  if (problem !== undefined) {
    const result = { ok: false as const, problems: [problem] }
    return { file, result, changes: [], besideProblems: [], searched, reading: undefined }
  }
  const reading = await readSource(source, process.env)
  return { file, ...toEffective(reading), searched, reading }
}

/** How many servers there are, in words. */
export function toServerCount({ servers }: Config): string {
  const off = servers.filter((server) => !server.enabled).length
  const count = `${servers.length} ${servers.length === 1 ? 'server' : 'servers'}`
  return off === 0 ? count : `${count} (${off} switched off)`
}
