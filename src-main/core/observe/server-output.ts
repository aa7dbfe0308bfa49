import { readdir } from 'node:fs/promises'
import { FloodGate } from './flood-gate.ts'
import { isServerName, toServerLog } from './log-files/log-names.ts'
import type { Logger } from './logger.ts'
import { OldFiles } from './log-files/old-files.ts'
import { toOutputText } from './output-text.ts'
import { PrivateKeyLines } from './private-keys.ts'
import { createRedactor, type SecretSources } from './redact.ts'
import { RotatingFile, type LogSettings } from './log-files/rotating-file.ts'

/** Where a server printed something. */
export type OutputStream = 'stdout' | 'stderr'

/** A line that a server printed. */
interface OutputLine {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly stream: OutputStream
  /** Without control characters and secrets, at most 64 KiB. */
  readonly text: string
}

/** What one server prints: kept in its log and, the last of it, in memory. */
export interface ServerOutput {
  /** Takes a line that the server printed, without its line end; more of it than 80 KiB is not looked at. Never blocks, never throws. */
  add(stream: OutputStream, line: Buffer): void
  /** Takes the server's secrets out of a text about it. */
  redact(text: string): string
  /** The last lines, oldest first: at most 1,000, and 1 MiB. */
  readonly recent: readonly OutputLine[]
}

/** What the outputs of all servers need. */
export interface ServerOutputsOptions {
  /** The folder of all logs, absolute. */
  readonly folder: string
  readonly settings: LogSettings
  readonly logger: Logger
}

/** The captured output of every server. */
export class ServerOutputs {
  readonly #options: ServerOutputsOptions
  readonly #outputs = new Map<string, CapturedOutput>()
  readonly #hourly: NodeJS.Timeout
  #settings: LogSettings

  constructor(options: ServerOutputsOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#hourly = setInterval(() => void this.#removeOld(), hourMs).unref()
    void this.#removeOld()
  }

  /**
   * The output of one server, the same for all its processes. Secret values of `env`, the variables of its own as they
   * are now, and of `sources` are masked. Throws when no server can have the name.
   */
  get(server: string, env: Readonly<Record<string, string>>, sources?: SecretSources): ServerOutput {
    const known = this.#outputs.get(server)
    const output = known ?? new CapturedOutput(this.#openFile(server))
    this.#outputs.set(server, output)
    output.redact = createRedactor(env, sources)
    return output
  }

  /** Takes on other settings for all logs. */
  apply(settings: LogSettings): void {
    this.#settings = settings
    for (const output of this.#outputs.values()) output.file.apply(settings)
    void this.#removeOld()
  }

  /** Writes what waits and closes the logs, within two seconds. */
  async close(): Promise<void> {
    clearInterval(this.#hourly)
    await Promise.all(
      [...this.#outputs.values()].map((output) => {
        output.tellDropped()
        return output.file.close()
      }),
    )
  }

  /** Removes what is too old of servers that print nothing now, or are no more. */
  async #removeOld(): Promise<void> {
    const { folder, logger } = this.#options
    // Without a folder there is nothing old in it.
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((one) => isServerName(one) && !this.#outputs.has(one))) {
      const old = new OldFiles(toServerLog(folder, name), logger)
      await old.read()
      await old.remove(this.#settings.keepDays)
    }
  }

  #openFile(server: string): RotatingFile {
    return new RotatingFile({
      file: toServerLog(this.#options.folder, server),
      settings: this.#settings,
      logger: this.#options.logger.with({ server }),
      toLostLine: (count) => toLogLine(toNotice(`${count} lines lost: the disk did not take them.`)),
    })
  }
}

const hourMs = 3_600_000
const floodLimits = { burstBytes: 8 * 2 ** 20, bytesPerSecond: 2 ** 20, resumeBytes: 2 ** 20 }
// Longer than a flood gate stays shut: while the flood goes on, the line that passes next tells what was dropped.
const calmMs = 1500
// What a line takes in the log besides its text.
const overheadBytes = 40
const recentLines = 1000
const recentCharacters = 2 ** 20

class CapturedOutput implements ServerOutput {
  readonly file: RotatingFile
  redact: (text: string) => string = (text) => text
  readonly #gate = new FloodGate(floodLimits, performance.now())
  readonly #keys = { stdout: new PrivateKeyLines(), stderr: new PrivateKeyLines() }
  readonly #recent: OutputLine[] = []
  #recentLength = 0
  #dropped = { lines: 0, bytes: 0 }
  #calmTimer: NodeJS.Timeout | undefined

  constructor(file: RotatingFile) {
    this.file = file
  }

  get recent(): readonly OutputLine[] {
    return [...this.#recent]
  }

  add(stream: OutputStream, line: Buffer): void {
    if (!this.#gate.admits(line.length + overheadBytes, performance.now())) {
      this.#dropped.lines++
      this.#dropped.bytes += line.length
      this.#calmTimer ??= setTimeout(() => {
        this.tellDropped()
      }, calmMs).unref()
      return
    }
    this.tellDropped()
    const text = toOutputText(line, (whole) => this.redact(this.#keys[stream].mask(whole)))
    this.#keep({ time: new Date().toISOString(), stream, text })
  }

  /** Says how much was dropped, if anything was. */
  tellDropped(): void {
    const { lines, bytes } = this.#dropped
    if (lines === 0) return
    this.#dropped = { lines: 0, bytes: 0 }
    clearTimeout(this.#calmTimer)
    this.#calmTimer = undefined
    const size = (bytes / 2 ** 20).toFixed(1)
    this.#keep(toNotice(`${lines} lines (${size} MiB) dropped: the server prints too much.`))
  }

  #keep(line: OutputLine): void {
    this.file.append(toLogLine(line))
    this.#recent.push(line)
    this.#recentLength += line.text.length
    while (this.#recent.length > recentLines || this.#recentLength > recentCharacters) {
      this.#recentLength -= this.#recent.shift()?.text.length ?? 0
    }
  }
}

/** A line of ours among those of a server. */
function toNotice(text: string): OutputLine {
  return { time: new Date().toISOString(), stream: 'stderr', text }
}

function toLogLine({ time, stream, text }: OutputLine): string {
  return `[${time}] [${stream === 'stdout' ? 'STDOUT' : 'STDERR'}] ${text}`
}
