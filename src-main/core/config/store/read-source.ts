import { applyOverrides, noOverrides, type OverrideChange } from './overrides.ts'
import {
  parseConfig,
  readConfig,
  type ConfigProblem,
  type ConfigReading,
  type ConfigResult,
} from '../read-config.ts'
import type { Environment } from '../substitute.ts'

/** Where a configuration comes from. Paths are absolute. */
export interface ConfigSource {
  readonly file: string
  /** The data folder's config.json. When it is not the configuration itself, its overrides alone count. */
  readonly ownFile: string
  /** By `--config`, by search, since it lies in the data folder, or since there was nothing else. */
  readonly chosenBy: 'option' | 'search' | 'data-folder' | 'fallback'
}

/** What the files of a source say. */
export interface SourceReading {
  readonly source: ConfigSource
  readonly main: ConfigReading
  /** config.json, where it is another file than the configuration. */
  readonly beside?: ConfigReading
}

/** What holds by a reading, or why nothing does. */
export interface EffectiveConfig {
  /** With all overrides on top. */
  readonly result: ConfigResult
  /** Where overrides and configuration disagree, and the file of the override. */
  readonly changes: readonly (OverrideChange & { readonly file: string })[]
  /** Why config.json beside the configuration is left aside. */
  readonly besideProblems: readonly ConfigProblem[]
}

/** Reads the files of a source. A config.json that is not there is as good as one that says nothing. */
export async function readSource(source: ConfigSource, env: Environment): Promise<SourceReading> {
  const { file, ownFile, chosenBy } = source
  const found = await readConfig(file, env)
  const main = chosenBy === 'data-folder' ? orNothing(found, file) : found
  if (file === ownFile) return { source, main }
  return { source, main, beside: orNothing(await readConfig(ownFile, env, 'overrides'), ownFile) }
}

function orNothing(reading: ConfigReading, file: string): ConfigReading {
  const { result } = reading
  const isMissing = !result.ok && result.problems.some(({ code }) => code === 'no-file')
  return isMissing ? { result: parseConfig('{"version":1}', file, {}) } : reading
}

/** What holds: overrides of config.json before those of the configuration itself, and both before what it says. */
export function toEffective({ source, main, beside }: SourceReading): EffectiveConfig {
  const besideProblems = beside?.result.ok === false ? beside.result.problems : []
  if (!main.result.ok) return { result: main.result, changes: [], besideProblems }
  const { overrides } = main.result
  const inner = applyOverrides(main.result.config, overrides)
  const outer = applyOverrides(
    inner.config,
    beside?.result.ok === true ? beside.result.overrides : noOverrides,
  )
  return {
    result: { ok: true, config: outer.config, overrides },
    changes: [
      ...inner.changes.map((change) => ({ ...change, file: source.file })),
      ...outer.changes.map((change) => ({ ...change, file: source.ownFile })),
    ],
    besideProblems,
  }
}
