import { rm, stat } from 'node:fs/promises'
import { readRotatedFiles } from './log-names.ts'
import type { Logger } from '../logger.ts'

const keepBytes = 256 * 1024 * 1024
const dayMs = 86_400_000

/**
 * Removes the rotated files of a log that are older than so many days, and the oldest of those that have more than
 * 256 MiB together. Never rejects: the next time will do.
 */
export async function removeOldFiles(file: string, keepDays: number, logger: Logger): Promise<void> {
  try {
    const oldest = Date.now() - keepDays * dayMs
    let total = 0
    for (const { path, rotatedAt } of (await readRotatedFiles(file)).toReversed()) {
      const found = await stat(path).catch(() => undefined)
      total += found?.size ?? 0
      const time = Math.min(rotatedAt, found?.mtimeMs ?? rotatedAt)
      if (time < oldest || total > keepBytes) await rm(path, { force: true })
    }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      logger.debug('Old logs could not be removed.', { file, code })
    }
  }
}
