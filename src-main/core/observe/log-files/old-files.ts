import { rm, stat } from 'node:fs/promises'
import { readRotatedFiles } from './log-names.ts'
import type { Logger } from '../logger.ts'

const keepBytes = 256 * 1024 * 1024
const keepFiles = 1000
const dayMs = 86_400_000

interface OldFile {
  /** When it was rotated, or last changed if that was before, in milliseconds since 1970. */
  readonly time: number
  readonly bytes: number
}

/** The rotated files of one log: those that are there too long, or too much together, are removed. */
export class OldFiles {
  readonly #file: string
  readonly #logger: Logger
  /** By their paths, oldest first. What was rotated since is added, so that the folder is rarely read. */
  #known = new Map<string, OldFile>()
  /** Rotated while the folder is being read. */
  #added: Map<string, OldFile> | undefined

  constructor(file: string, logger: Logger) {
    this.#file = file
    this.#logger = logger
  }

  /** Takes in a file that was rotated just now. */
  add(path: string, bytes: number): void {
    const file = { time: Date.now(), bytes }
    this.#known.set(path, file)
    this.#added?.set(path, file)
  }

  /** Looks what is there. Never rejects: the next time will do. */
  async read(): Promise<void> {
    const added = new Map<string, OldFile>()
    this.#added = added
    const known = new Map<string, OldFile>()
    try {
      for (const { path, rotatedAt } of await readRotatedFiles(this.#file)) {
        const found = await stat(path).catch(() => undefined)
        if (found === undefined) continue
        known.set(path, { time: Math.min(rotatedAt, found.mtimeMs), bytes: found.size })
      }
    } catch (error) {
      this.#tell(error)
    }
    this.#known = new Map([...known, ...added])
    this.#added = undefined
  }

  /**
   * Removes those that are older than so many days, and the oldest where they are more than 1,000 or have more than
   * 256 MiB together. Never rejects.
   */
  async remove(keepDays: number): Promise<void> {
    const oldest = Date.now() - keepDays * dayMs
    let [files, bytes] = [0, 0]
    for (const [path, file] of [...this.#known].toReversed()) {
      files += 1
      bytes += file.bytes
      if (file.time >= oldest && files <= keepFiles && bytes <= keepBytes) continue
      try {
        await rm(path, { force: true })
        this.#known.delete(path)
      } catch (error) {
        this.#tell(error)
      }
    }
  }

  #tell(error: unknown): void {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      this.#logger.debug('Old logs could not be removed.', { file: this.#file, code })
    }
  }
}
