// The server that starts in no time, as an entry of the configuration.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../servers/json-values.ts'
import { isRunning } from './processes.ts'

const script = path.resolve(import.meta.dirname, '../servers/tiny.sh')

/** tiny.sh with its options (see there) and further keys of a server entry. */
export function toTinyEntry(
  options: Readonly<Record<string, string>> = {},
  entry: JsonObject = {},
): JsonObject {
  return { command: 'sh', args: [script], env: { ...options }, ...entry }
}

/** A file where tiny servers note the ids of their processes (TINY_PIDS). What is left of them ends with it. */
export class PidFile {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pb-pids-'))

  get file(): string {
    return path.join(this.#folder, 'pids')
  }

  /** All ids so far, oldest first. */
  read(): number[] {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8').trim().split('\n').map(Number) : []
  }

  /** Those that run. */
  readRunning(): number[] {
    return this.read().filter(isRunning)
  }

  [Symbol.dispose](): void {
    for (const pid of this.readRunning()) process.kill(pid, 'SIGKILL')
    rmSync(this.#folder, { recursive: true })
  }
}
