import type { ConfigProblem, ConfigReading, ConfigResult } from '../read-config.ts'

/** A configuration without problems. */
export type GoodResult = Extract<ConfigResult, { readonly ok: true }>

/** A file of which the last good content holds, whatever becomes of it. */
export class HeldFile {
  readonly file: string
  #good: GoodResult
  #problems: readonly ConfigProblem[] = []
  #wasThere = false

  constructor(file: string, first: ConfigReading, good: GoodResult) {
    this.file = file
    this.#good = good
    this.take(first)
  }

  /** What it said last without problems. */
  get good(): GoodResult {
    return this.#good
  }

  /** What is wrong with it now. */
  get problems(): readonly ConfigProblem[] {
    return this.#problems
  }

  /** Takes what it says now. A file that was there and now is gone or empty says nothing: it is no configuration. */
  take({ bytes, result }: ConfigReading): void {
    const isVoid = bytes === undefined ? isOfMissing(result) : bytes.toString('latin1').trim() === ''
    if (isVoid && this.#wasThere) {
      this.#problems = [toVoidProblem(this.file, bytes === undefined ? 'gone' : 'empty')]
      return
    }
    this.#wasThere ||= !isVoid
    if (result.ok) this.#good = result
    this.#problems = result.ok ? [] : result.problems
  }
}

/** A configuration that may be missing is good without it. */
function isOfMissing(result: ConfigResult): boolean {
  return result.ok || result.problems.some(({ code }) => code === 'no-file')
}

function toVoidProblem(file: string, state: 'gone' | 'empty'): ConfigProblem {
  const message = `This file is ${state}; expected a configuration.`
  return { code: state === 'gone' ? 'no-file' : 'missing-key', file, line: 1, column: 1, key: '', message }
}
