import { open, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

// Taking over a socket takes milliseconds: a lock that is older was left by an app that was killed meanwhile.
const staleMs = 5000

/** A lock is held again and again, or cannot be removed. The message is for people. */
export class StartLockHeld extends Error {
  override readonly name = 'StartLockHeld'
}

/**
 * Does something that only one app may do at a time, by a lock file that is there while it lasts. Without it, two apps
 * that start at once could each take the other's new socket for one that was left behind. Rejects with StartLockHeld
 * when others hold it for `patienceMs`.
 */
export async function withStartLock<T>(
  file: string,
  work: () => Promise<T>,
  patienceMs = 30_000,
): Promise<T> {
  const start = performance.now()
  while (!(await take(file))) {
    if (performance.now() - start > patienceMs) {
      const seconds = Math.ceil(patienceMs / 1000)
      throw new StartLockHeld(
        `Another Patchbay has held the lock ${file} for ${seconds} s; remove that file if none is running.`,
      )
    }
    await delay(20)
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const age = await stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  // A time to come is one of a clock that was wrong.
  if (Math.abs(age) > staleMs) await rm(file, { force: true })
  return false
}
