// How long and how much a run measures.
import { parseArgs } from 'node:util'

/** What a run is told. */
export interface Settings {
  /** The rounds end after so many milliseconds. */
  readonly roundsMs: number
  /** One load of one size with so many calls in flight. */
  readonly loadMs: number
  /** Clients opened per round and route, for the time to the first answer. */
  readonly starts: number
  /** How long processes are left alone before their memory counts; V8 tidies up after about 8 s without work. */
  readonly settleMs: number
  /** Calls of 1 MB before the second look at the memory. */
  readonly largeCalls: number
  /** Whether it is only to be seen that everything runs: too short for its figures to say anything. */
  readonly isQuick: boolean
  /** Where the figures go as JSON, besides the table. */
  readonly jsonFile: string | undefined
}

/** Sizes of the text in a call, in bytes. */
export const sizes = [100, 10_000, 1_000_000] as const
/** Calls in flight. */
export const depths = [1, 8, 64] as const

/** `--quick`, `--json FILE` and the variable BENCH_SECONDS. Throws on others. */
export function readSettings(args: string[]): Settings {
  const options = { quick: { type: 'boolean', default: false }, json: { type: 'string' } } as const
  const { values } = parseArgs({ args, options })
  const isQuick = values.quick
  const seconds = Number(process.env['BENCH_SECONDS'] ?? (isQuick ? 4 : 120))
  if (!(seconds > 0)) throw new Error('BENCH_SECONDS wants a number of seconds above 0.')
  return {
    roundsMs: seconds * 1000,
    loadMs: isQuick ? 30 : 200,
    starts: isQuick ? 1 : 3,
    settleMs: isQuick ? 500 : 10_000,
    largeCalls: isQuick ? 20 : 200,
    isQuick,
    jsonFile: values.json,
  }
}
