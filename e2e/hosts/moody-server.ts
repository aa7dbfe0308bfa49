// A server whose mood a test sets: what its next start does, while its configuration stays the same.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../servers/json-values.ts'
import { toServerEntry } from './headless.ts'

/** `well` starts the server, `hang` never answers, `fail` exits with 3 at once. */
export type Mood = 'well' | 'hang' | 'fail'

// Counts its starts in a file beside the one with the mood, once it has read that.
const script = `mood="$(cat "$1/mood")"; echo start >> "$1/starts"
case "$mood" in hang) exec sleep 1000;; fail) exit 3;; esac
shift; exec "$@"`

/** A test server of e2e/servers behind a shell script that reads the mood. */
export class MoodyServer {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pb-moody-'))
  readonly #script: string
  readonly #options: JsonObject

  constructor(serverScript: string, options: JsonObject = {}) {
    this.#script = serverScript
    this.#options = options
    this.setMood('well')
    writeFileSync(path.join(this.#folder, 'starts'), '')
  }

  /** The server entry for the configuration. */
  toEntry(entry: JsonObject = {}): JsonObject {
    const server = toServerEntry(this.#script, this.#options)
    const args = ['-c', script, 'sh', this.#folder, server['command']]
    return { command: 'sh', args: [...args, ...(server['args'] as string[])], ...entry }
  }

  /** Holds from the next start on. */
  setMood(mood: Mood): void {
    writeFileSync(path.join(this.#folder, 'mood'), mood)
  }

  /** How often it was started. */
  get starts(): number {
    return readFileSync(path.join(this.#folder, 'starts'), 'utf8').split('\n').length - 1
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
