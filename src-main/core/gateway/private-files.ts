import { chmod, lstat, mkdir, rename, writeFile } from 'node:fs/promises'

/** A folder or file of ours is not safe to use. Its message says why and what to do. */
export class UnsafePlace extends Error {
  override readonly name = 'UnsafePlace'
}

/** Makes a folder that only this user can enter. One that is somebody else's, or a link, is refused. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  const user = process.getuid?.()
  if (!found.isDirectory() || (user !== undefined && found.uid !== user)) {
    throw new UnsafePlace(
      `“${folder}” is not a folder of this user's; remove it or choose another with --data-dir.`,
    )
  }
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) await chmod(folder, 0o700)
}

/** Writes a file that only this user can read: all of it or nothing. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const scratch = `${file}.${process.pid}.tmp`
  await writeFile(scratch, text, { mode: 0o600 })
  await rename(scratch, file)
}
