import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/**
 * The bytes of a file of at most `most` bytes. Never waits: a pipe or a device in its place is refused. Rejects with
 * the file system's error; its `code` is EISDIR for a folder, ENOTREG for all else that is no regular file, and EFBIG
 * for one that is larger.
 */
export async function readRegularFile(file: string, most: number): Promise<Buffer> {
  // Without this flag a pipe that nobody writes would hold a thread for ever. Windows knows neither.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(refuseSocket)
  try {
    const found = await handle.stat()
    if (found.isDirectory()) throw toError('EISDIR', 'This is a folder')
    if (!found.isFile()) throw toError('ENOTREG', 'This is no regular file')
    const chunks: Buffer[] = []
    let length = 0
    // It may grow meanwhile: one byte more than allowed tells enough.
    for await (const chunk of handle.createReadStream({ end: most, autoClose: false })) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
    }
    if (length > most) throw toError('EFBIG', 'This file is too large')
    return Buffer.concat(chunks, length)
  } finally {
    await handle.close()
  }
}

/** Opening a socket fails in words of its own. */
function refuseSocket(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code === 'ENXIO') throw toError('ENOTREG', 'This is no regular file')
  throw error
}

function toError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}
