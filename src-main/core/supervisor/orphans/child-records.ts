import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { Logger } from '../../observe/logger.ts'
import { findStartedAt, readProcesses } from '../process-table.ts'

// Pid 1 is nobody's child, and signalling its group would mean every process there is.
const pid = z.int().min(2)
const startedAt = z.string().min(1).nullable()

const recordSchema = z.strictObject({
  version: z.literal(1),
  pid,
  /** As the process table tells it; null until it is known, where that takes a while. */
  startedAt,
  /** What the child and its descendants carry in their environment. */
  mark: z.string().regex(/^[0-9a-f]{32}$/),
  server: z.string(),
  /** The Patchbay that started it. */
  owner: z.strictObject({ pid: z.int().min(1), startedAt }),
})

/** A child as noted down for an app to come. */
export type ChildRecord = z.infer<typeof recordSchema>

/** Where records are kept. */
export interface ChildRecordsOptions {
  /** Absolute. */
  readonly folder: string
  readonly platform: NodeJS.Platform
  readonly logger: Logger
}

/** One file for each child that runs: what a later app needs to find it. */
export class ChildRecords {
  readonly #options: ChildRecordsOptions
  readonly #running = new Set<string>()
  readonly #incomplete = new Set<ChildRecord>()
  #isCompleting = false
  #hasWarned = false

  constructor(options: ChildRecordsOptions) {
    this.#options = options
  }

  /** Notes a child down, before anything else can happen. Where that fails, the log says so, once. */
  add(child: Pick<ChildRecord, 'pid' | 'mark' | 'server'>): void {
    const { platform } = this.#options
    const record: ChildRecord = {
      version: 1,
      ...child,
      startedAt: findStartedAt(child.pid, platform) ?? null,
      owner: { pid: process.pid, startedAt: findStartedAt(process.pid, platform) ?? null },
    }
    this.#running.add(record.mark)
    this.#write(record)
    if (record.startedAt !== null) return
    this.#incomplete.add(record)
    void this.#complete()
  }

  /** Forgets a child that is gone. */
  remove(mark: string): void {
    this.#running.delete(mark)
    this.#removeFile(this.#toFile(mark))
  }

  /** What is noted down now, by whomever. Broken records are removed, with a warning; so is what was left half written. */
  async readAll(): Promise<readonly ChildRecord[]> {
    const { folder, logger } = this.#options
    const names = await readdir(folder).catch(() => [])
    await removeScratchFiles(
      names.filter((name) => scratchName.test(name)).map((name) => path.join(folder, name)),
    )
    const records: ChildRecord[] = []
    for (const name of names.filter((one) => one.endsWith('.json'))) {
      const file = path.join(folder, name)
      try {
        records.push(parseRecord(await readFile(file, 'utf8'), name))
      } catch (error) {
        // Removed since by who wrote it.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        await rm(file, { recursive: true, force: true })
        logger.warning('A record of a server that ran earlier was broken, and is removed.', { file })
      }
    }
    return records
  }

  #write(record: ChildRecord): void {
    const { folder, logger } = this.#options
    // Whoever reads it finds all of it or nothing, and never takes it for broken.
    const scratch = path.join(folder, `${record.mark}.tmp`)
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(scratch, `${JSON.stringify(record)}\n`, { mode: 0o600 })
      renameSync(scratch, this.#toFile(record.mark))
    } catch (error) {
      this.#removeFile(scratch)
      if (this.#hasWarned) return
      this.#hasWarned = true
      logger.warning(
        'It cannot be noted down which servers run: should Patchbay be killed, they would have to be ended by hand.',
        { folder, reason: (error as Error).message },
      )
    }
  }

  /** Adds the start times where they are not told at once: one look at the table for all that wait for it. */
  async #complete(): Promise<void> {
    if (this.#isCompleting) return
    this.#isCompleting = true
    while (this.#incomplete.size > 0) {
      const records = [...this.#incomplete]
      this.#incomplete.clear()
      const rows = await readProcesses(this.#options.platform).catch(() => [])
      const startTimes = new Map(rows.map((row) => [row.pid, row.startedAt]))
      const find = (wanted: number): string | null => startTimes.get(wanted) || null
      // A child that is gone by now may have left its pid to another.
      for (const record of records.filter(({ mark }) => this.#running.has(mark))) {
        const owner = { pid: record.owner.pid, startedAt: find(record.owner.pid) }
        this.#write({ ...record, startedAt: find(record.pid), owner })
      }
    }
    this.#isCompleting = false
  }

  #removeFile(file: string): void {
    try {
      rmSync(file, { force: true })
    } catch (error) {
      // Whoever finds it later finds that its process is gone.
      this.#options.logger.debug('The record of a child could not be removed.', {
        error: (error as Error).message,
      })
    }
  }

  #toFile(mark: string): string {
    return path.join(this.#options.folder, `${mark}.json`)
  }
}

const scratchName = /^[0-9a-f]{32}\.tmp$/
// A younger one may be on its way to become a record.
const scratchMs = 60_000

/** Removes scratch files that a full disk or a kill has left. */
async function removeScratchFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    try {
      if (Date.now() - (await stat(file)).mtimeMs > scratchMs) await rm(file, { force: true })
    } catch {
      // Gone meanwhile, or not to be removed: it is in nobody's way.
      continue
    }
  }
}

function parseRecord(text: string, name: string): ChildRecord {
  const record = recordSchema.parse(JSON.parse(text))
  if (name !== `${record.mark}.json`) throw new Error('The name of the file is not that of its mark.')
  return record
}
