import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LineQueue } from './line-queue.ts'
import { toRotatedPath } from './log-names.ts'
import type { Logger } from '../logger.ts'
import { OldFiles } from './old-files.ts'

/** When a log is rotated and how long rotated files are kept. */
export interface LogSettings {
  /** Size of a file in bytes that the next line must not pass. */
  readonly maxBytes: number
  /** Age in days at which rotated files are removed. */
  readonly keepDays: number
}

/** What a rotating file needs. */
export interface RotatingFileOptions {
  /** Absolute, ends in `.log`; its folder is made when it is needed. */
  readonly file: string
  readonly settings: LogSettings
  /** Hears that the file cannot be written, and that it can again. Must not write to this very file. */
  readonly logger: Logger
  /** The line that says that so many lines were lost. */
  readonly toLostLine: (count: number) => string
  /** Milliseconds from a failure to the next attempt. */
  readonly retryMs?: number
}

const queueBytes = 4 * 1024 * 1024
const batchBytes = 256 * 1024
const defaultRetryMs = 10_000
const closeMs = 2000
const hourMs = 3_600_000
const newline = 0x0a
const lookAgainMs = 1000

/** A log file that is rotated by size. Lines are written in the background; trouble with the disk is told, never thrown. */
export class RotatingFile {
  readonly #options: RotatingFileOptions
  readonly #queue = new LineQueue(queueBytes)
  readonly #hourly: NodeJS.Timeout
  readonly #old: OldFiles
  #settings: LogSettings
  #handle: FileHandle | undefined
  /** Settles when all is written that can be. */
  #writing: Promise<void> | undefined
  #retryTimer: NodeJS.Timeout | undefined
  /** How often old files were to be removed since nobody does. */
  #removals = 0
  /** Whether the folder is to be read before. */
  #isOldUnknown = true
  #lookedAt = 0
  #isTroubled = false
  #isClosed = false

  constructor(options: RotatingFileOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#old = new OldFiles(options.file, options.logger)
    this.#hourly = setInterval(() => {
      this.#lookForOld()
    }, hourMs).unref()
    this.#lookForOld()
  }

  /** Writes a line, later; `line` has no line end. Never blocks, never throws. */
  append(line: string): void {
    if (this.#isClosed) return
    this.#queue.add(line)
    this.#write()
  }

  /** Takes on other settings: for the next line, and for the files that are there. */
  apply(settings: LogSettings): void {
    this.#settings = settings
    this.#lookForOld()
  }

  /** Writes what waits, within two seconds, and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#hourly)
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    const flush = async (): Promise<void> => {
      await this.#writing
      this.#write()
      await this.#writing
      await this.#closeHandle()
    }
    await Promise.race([flush(), delay(closeMs, undefined, { ref: false })])
  }

  #write(): void {
    if (this.#writing !== undefined || this.#retryTimer !== undefined || this.#queue.isEmpty) return
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
      // What came in while the last line was being written.
      if (!this.#isClosed) this.#write()
    })
  }

  async #writeAll(): Promise<void> {
    try {
      while (!this.#queue.isEmpty) await this.#writeSome()
      this.#onWritten()
    } catch (error) {
      await this.#closeHandle()
      this.#onFailed(error)
    }
  }

  async #writeSome(): Promise<void> {
    const { handle, size, isTorn } = await this.#open()
    const room = size === 0 ? Infinity : this.#settings.maxBytes - size - (isTorn ? 1 : 0)
    const most = Math.min(this.#settings.maxBytes - size, room, batchBytes)
    const lines = this.#queue.take(most, room, this.#options.toLostLine)
    if (lines.length === 0) {
      await this.#rotate(size)
      return
    }
    const start = isTorn ? '\n' : ''
    const bytes = Buffer.concat([Buffer.from(start), ...lines.map((line) => line.bytes)])
    let written = 0
    try {
      while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten
    } catch (error) {
      let end = start.length
      this.#queue.putBack(lines.filter((line) => (end += line.bytes.length) > written))
      throw error
    }
  }

  /** The file, opened again when it is not the one at its path any more. */
  async #open(): Promise<{ handle: FileHandle; size: number; isTorn: boolean }> {
    const { file } = this.#options
    if (this.#handle !== undefined) {
      const [mine, there] = await Promise.all([
        this.#handle.stat({ bigint: true }),
        stat(file, { bigint: true }).catch(() => undefined),
      ])
      if (there?.ino === mine.ino && there.dev === mine.dev)
        return { handle: this.#handle, size: Number(mine.size), isTorn: false }
      await this.#closeHandle()
    }
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(file, 'a+', 0o600)
    this.#handle = handle
    const { size } = await handle.stat()
    if (size === 0) return { handle, size, isTorn: false }
    // A full disk or a crash may have left half a line.
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
    return { handle, size, isTorn: buffer[0] !== newline }
  }

  async #rotate(size: number): Promise<void> {
    await this.#closeHandle()
    const { file } = this.#options
    const rotated = await reserveRotatedPath(file)
    try {
      await rename(file, rotated)
      this.#old.add(rotated, size)
    } catch (error) {
      await rm(rotated, { force: true })
      // Somebody took it away just now: the next line starts a new one.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    // A log that is rotated many times a second does not read its folder each time.
    if (performance.now() - this.#lookedAt > lookAgainMs) this.#lookForOld()
    else void this.#removeOld()
  }

  /** Removes old files that others may have left or put there, too. */
  #lookForOld(): void {
    this.#isOldUnknown = true
    this.#lookedAt = performance.now()
    void this.#removeOld()
  }

  async #removeOld(): Promise<void> {
    this.#removals++
    // The one that is on its way looks once more when it is done.
    if (this.#removals > 1) return
    for (let seen = 0; seen !== this.#removals;) {
      seen = this.#removals
      if (this.#isOldUnknown) {
        this.#isOldUnknown = false
        await this.#old.read()
      }
      await this.#old.remove(this.#settings.keepDays)
    }
    this.#removals = 0
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    // Whatever is wrong with it, nothing more is asked of it.
    await handle?.close().catch(() => undefined)
  }

  #onWritten(): void {
    if (!this.#isTroubled) return
    this.#isTroubled = false
    this.#options.logger.warning(`The log “${this.#options.file}” is written again.`)
  }

  #onFailed(error: unknown): void {
    const { file, logger, retryMs = defaultRetryMs } = this.#options
    if (!this.#isClosed) {
      this.#retryTimer = setTimeout(() => {
        this.#retryTimer = undefined
        this.#write()
      }, retryMs).unref()
    }
    if (this.#isTroubled) return
    this.#isTroubled = true
    const { code = String(error) } = error as NodeJS.ErrnoException
    const reason = reasons[code] ?? code
    logger.warning(`The log “${file}” cannot be written: ${reason}. It is tried again every few seconds.`)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'there is no room left for this user',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the disk can only be read',
  ENOTDIR: 'there is a file where its folder should be',
  EEXIST: 'there is a file where its folder should be',
  EISDIR: 'there is a folder in its place',
}

/** Makes an empty file of a name that no rotated file has, so that renaming cannot overwrite one. */
async function reserveRotatedPath(file: string): Promise<string> {
  const time = new Date()
  for (let attempt = 0; ; attempt++) {
    const rotated = toRotatedPath(file, time, attempt)
    try {
      await (await open(rotated, 'wx', 0o600)).close()
      return rotated
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
