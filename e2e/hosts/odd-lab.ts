// Files by which a test and the server odd.ts share bytes: what it is to send, and what it has received.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Message } from '../clients/message.ts'
import type { JsonObject } from '../servers/json-values.ts'
import { readRecord } from '../servers/record.ts'
import { toServerEntry } from './headless.ts'

/** What odd.ts does for the next request: notification, question, then reply. */
export interface OddScript {
  readonly emit?: string
  readonly ask?: string
  readonly kind?: 'result' | 'error' | 'line'
  readonly reply?: string
}

/** A scratch folder with the files of one odd.ts. */
export class OddLab {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pb-odd-'))

  /** The server entry for the configuration. */
  get entry(): JsonObject {
    const files = ['record', 'reply', 'emit', 'ask']
    const env = Object.fromEntries(files.map((name) => [`${name.toUpperCase()}_FILE`, this.#file(name)]))
    return toServerEntry('odd.ts', {}, { env, isolation: 'shared' })
  }

  /** Forgets what was received and sets what comes next. */
  prepare({ emit, ask, kind = 'result', reply }: OddScript): void {
    this.#write('record', '')
    this.#write('emit', emit)
    this.#write('ask', ask)
    this.#write('reply', reply === undefined ? undefined : `${kind}\n${reply}`)
  }

  /** The first message since `prepare` that matches; waits up to 10 s for it. */
  async waitForReceived(matches: (message: Message) => boolean): Promise<Message> {
    const end = performance.now() + 10_000
    while (performance.now() < end) {
      const found = readRecord(this.#file('record'))
        .map((line) => new Message(line))
        .find(matches)
      if (found) return found
      await delay(10)
    }
    const lines = readRecord(this.#file('record')).map((line) => line.toString('utf8', 0, 200))
    throw new Error(`The server did not receive it, but:\n${lines.join('\n')}`)
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #file(name: string): string {
    return path.join(this.#folder, name)
  }

  #write(name: string, text: string | undefined): void {
    if (text === undefined) rmSync(this.#file(name), { force: true })
    else writeFileSync(this.#file(name), text)
  }
}
