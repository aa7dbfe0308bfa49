// What the app writes about itself in logs/app.log.
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseObject, type JsonObject } from '../servers/json-values.ts'

/** One line of logs/app.log; facts stand beside time, level and message. */
export type LogLine = JsonObject & { readonly level: string; readonly message: string }

/** The log of an app, read from where it was last read to. */
export class AppLog {
  readonly #file: string

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, 'logs/app.log')
  }

  /** Where the log ends now, in bytes, for `after`. */
  mark(): number {
    return existsSync(this.#file) ? statSync(this.#file).size : 0
  }

  /** All whole lines after a mark. */
  read(after = 0): LogLine[] {
    const bytes = this.#readBytes(after)
    const lines = bytes
      .subarray(0, bytes.lastIndexOf(10) + 1)
      .toString('utf8')
      .split('\n')
    return lines.filter((line) => line !== '').map((line) => parseObject(Buffer.from(line)) as LogLine)
  }

  /** The first line after a mark that matches; waits for it up to `deadline` milliseconds. */
  async waitFor(
    matches: (line: LogLine) => boolean,
    { after = 0, deadline = 10_000 }: { after?: number; deadline?: number } = {},
  ): Promise<LogLine> {
    const end = performance.now() + deadline
    for (;;) {
      const lines = this.read(after)
      const found = lines.find(matches)
      if (found !== undefined) return found
      if (performance.now() > end) {
        const last = lines.slice(-20).map((line) => JSON.stringify(line))
        throw new Error(`After ${deadline} ms no such line in app.log, but:\n${last.join('\n')}`)
      }
      await delay(5)
    }
  }

  /** Waits until the app says that it took on a changed configuration. */
  waitForReload(after: number): Promise<LogLine> {
    return this.waitFor((line) => line.message === 'The configuration was changed.', { after })
  }

  #readBytes(after: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, this.mark() - after))
    if (bytes.length === 0) return bytes
    const file = openSync(this.#file, 'r')
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, after))
    } finally {
      closeSync(file)
    }
  }
}
