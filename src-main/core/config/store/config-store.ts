import type { Logger } from '../../observe/logger.ts'
import type { Config } from '../config.ts'
import { findUnsafePlace } from './find-config-file.ts'
import { HeldFile, type GoodResult } from './held-file.ts'
import { isSameValue } from '../is-same-value.ts'
import { readLastGood, toLastGoodFile, writeLastGood } from './last-good.ts'
import { applyOverrides, noOverrides } from './overrides.ts'
import type { ConfigProblem, ConfigReading } from '../read-config.ts'
import { readSource, type ConfigSource, type SourceReading } from './read-source.ts'
import type { Environment } from '../substitute.ts'
import { watchFiles, type WatchTiming } from './watch-file.ts'

/** The configuration that holds, and what becomes of it while its files are edited. Listeners are called in turn. */
export interface ConfigStore {
  readonly source: ConfigSource
  /** What holds now: the last one without problems, with all overrides on top. */
  readonly config: Config
  /** What is wrong with the files as they stand; then they do not hold, or not all of them. */
  readonly problems: readonly ConfigProblem[]
  /** Another configuration holds. */
  onChanged(listener: (next: Config, before: Config) => void): () => void
  /** The files are broken, or broken in another way: what held goes on. */
  onRefused(listener: (problems: readonly ConfigProblem[]) => void): () => void
  /** Nothing is wrong with the files any more; told before what changed, if anything did. */
  onRecovered(listener: () => void): () => void
  /** Stops watching. */
  close(): void
}

/** What a store works with. */
export interface ConfigStoreOptions {
  /** Where tokens are looked up, for as long as the store lives. */
  readonly env: Environment
  readonly logger: Logger
  readonly timing?: WatchTiming
}

/** A store, with what was wrong at the start, or why there is none. */
export type OpenedConfig =
  | {
      readonly ok: true
      readonly store: ConfigStore
      readonly problems: readonly ConfigProblem[]
      /** Whether config.json is broken and its last good copy holds in its place. */
      readonly usedLastGood: boolean
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/**
 * Begins with what was read (`readSource`) and watches the files from then on. A config.json chosen since it lies in
 * the data folder may be broken when there is a last good copy of it: then that holds until it is put right.
 */
export async function openConfigStore(
  reading: SourceReading,
  options: ConfigStoreOptions,
): Promise<OpenedConfig> {
  const { source, main } = reading
  const mayUseCopy = !main.result.ok && source.chosenBy === 'data-folder'
  const copy = mayUseCopy ? await readLastGood(source.file, options.env) : undefined
  const result = copy ?? main.result
  if (!result.ok) return { ok: false, problems: result.problems }
  const store = new Store(reading, result, options)
  if (copy === undefined) await store.keepLastGood(main)
  store.watch()
  return { ok: true, store, problems: store.problems, usedLastGood: copy !== undefined }
}

class Store implements ConfigStore {
  readonly source: ConfigSource
  readonly #main: HeldFile
  readonly #beside: HeldFile | undefined
  readonly #options: ConfigStoreOptions
  readonly #changedListeners = new Set<(next: Config, before: Config) => void>()
  readonly #refusedListeners = new Set<(problems: readonly ConfigProblem[]) => void>()
  readonly #recoveredListeners = new Set<() => void>()
  #config: Config
  #problems: readonly ConfigProblem[]
  #endWatch: () => void = () => undefined
  #isClosed = false
  #isCopyFailing = false

  constructor({ source, main, beside }: SourceReading, good: GoodResult, options: ConfigStoreOptions) {
    this.source = source
    this.#options = options
    this.#main = new HeldFile(source.file, main, good)
    if (beside !== undefined) this.#beside = new HeldFile(source.ownFile, beside, toNothing(good))
    this.#config = this.#toConfig()
    this.#problems = this.#findProblems()
  }

  get config(): Config {
    return this.#config
  }

  get problems(): readonly ConfigProblem[] {
    return this.#problems
  }

  onChanged(listener: (next: Config, before: Config) => void): () => void {
    return subscribe(this.#changedListeners, listener)
  }

  onRefused(listener: (problems: readonly ConfigProblem[]) => void): () => void {
    return subscribe(this.#refusedListeners, listener)
  }

  onRecovered(listener: () => void): () => void {
    return subscribe(this.#recoveredListeners, listener)
  }

  close(): void {
    this.#isClosed = true
    this.#endWatch()
  }

  /** Follows the files from now on. */
  watch(): void {
    const files = [this.#main.file, ...(this.#beside === undefined ? [] : [this.#beside.file])]
    this.#endWatch = watchFiles(files, (isStill) => this.#reread(isStill), this.#options.timing)
  }

  /** Copies a good config.json of ours. A copy that cannot be written is said once; all else goes on. */
  async keepLastGood({ bytes, result }: ConfigReading): Promise<void> {
    const { file, ownFile } = this.source
    if (file !== ownFile || bytes === undefined || !result.ok) return
    try {
      await writeLastGood(file, bytes)
      this.#isCopyFailing = false
    } catch (error) {
      if (this.#isCopyFailing) return
      this.#isCopyFailing = true
      this.#options.logger.warning('The last good copy of the configuration cannot be written.', {
        file: toLastGoodFile(file),
        code: (error as NodeJS.ErrnoException).code ?? null,
      })
    }
  }

  async #reread(isStill: () => Promise<boolean>): Promise<void> {
    const { main, beside } = await readSource(this.source, this.#options.env)
    // After reading: what was safe then and is not now is refused, too.
    const danger = await findUnsafePlace(this.source)
    if (!(await isStill()) || this.#isClosed) return
    this.#main.take(danger === undefined ? main : { result: { ok: false, problems: [danger] } })
    if (beside !== undefined) this.#beside?.take(beside)
    this.#tell(this.#toConfig(), this.#findProblems())
    if (danger === undefined) await this.keepLastGood(main)
  }

  #tell(next: Config, problems: readonly ConfigProblem[]): void {
    const [before, problemsBefore] = [this.#config, this.#problems]
    const isOther = !isSameValue(next, before)
    if (isOther) this.#config = next
    this.#problems = problems
    if (problems.length === 0 && problemsBefore.length > 0) {
      for (const listener of this.#recoveredListeners) listener()
    }
    if (isOther) for (const listener of this.#changedListeners) listener(next, before)
    if (problems.length > 0 && !isSameValue(problems, problemsBefore)) {
      for (const listener of this.#refusedListeners) listener(problems)
    }
  }

  #toConfig(): Config {
    const { config, overrides } = this.#main.good
    const inner = applyOverrides(config, overrides)
    return applyOverrides(inner.config, this.#beside?.good.overrides ?? noOverrides).config
  }

  #findProblems(): readonly ConfigProblem[] {
    return [...this.#main.problems, ...(this.#beside?.problems ?? [])]
  }
}

function toNothing(good: GoodResult): GoodResult {
  return { ...good, overrides: noOverrides }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}
