import { randomBytes } from 'node:crypto'
import { open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'

/** How far a write has come. Until `renamed` the file holds what it held before. */
export type WriteStep = 'opened' | 'written' | 'synced' | 'renamed' | 'done'

const modeBits = 0o7777

/**
 * Writes a file so that whoever reads it, even after a crash, finds all of the old or all of the new. A file that is
 * there keeps its mode, a new one gets `mode`; behind a symbolic link its target is written. Rejects with the file
 * system's error, and then the file is as it was. `onStep` is told each step.
 */
export async function writeFileAtomically(
  file: string,
  bytes: Buffer | string,
  mode = 0o600,
  onStep: (step: WriteStep) => void = () => undefined,
): Promise<void> {
  const target = await findTarget(file)
  await removeLeftovers(target)
  const scratch = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(scratch, 'wx', 0o600)
    try {
      onStep('opened')
      await handle.writeFile(bytes)
      await handle.chmod(await findMode(target, mode))
      onStep('written')
      await handle.sync()
    } finally {
      await handle.close()
    }
    onStep('synced')
    await rename(scratch, target)
  } catch (error) {
    await rm(scratch, { force: true })
    throw error
  }
  onStep('renamed')
  await syncFolder(path.dirname(target))
  onStep('done')
}

const leftoverMs = 60 * 60 * 1000

/** Removes what writers left beside the file that were killed: nobody else would, and it may hold secrets. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = path.dirname(target)
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const [, end] = name.split(`${path.basename(target)}.`)
    if (!name.startsWith(path.basename(target)) || !/^[0-9a-f]{12}\.tmp$/.test(end ?? '')) continue
    const leftover = path.join(folder, name)
    const age = await stat(leftover).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > leftoverMs) await rm(leftover, { force: true })
  }
}

/** The file behind symbolic links, which need not be there yet. */
async function findTarget(file: string, links = 40): Promise<string> {
  try {
    return await realpath(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || links === 0) throw error
  }
  try {
    return await findTarget(path.resolve(path.dirname(file), await readlink(file)), links - 1)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // No link either: a new file. Without its folder, opening it tells that better.
    if (code === 'ENOENT' || code === 'EINVAL') return path.resolve(file)
    throw error
  }
}

async function findMode(file: string, otherwise: number): Promise<number> {
  return stat(file).then(
    (found) => found.mode & modeBits,
    () => otherwise,
  )
}

/** Makes the new name outlive a loss of power. Not every system can; then its own habits have to do. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // The file is whole either way.
    return
  }
}
