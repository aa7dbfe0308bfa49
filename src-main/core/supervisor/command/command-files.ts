import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'

/** What finding a command asks of the disk. */
export interface CommandFiles {
  /** Whether it is a file; on Unix, one that this user may run. */
  canRun(file: string): Promise<boolean>
  /** The beginning of a file as text, up to so many bytes; empty when it cannot be read, or is no regular file. */
  readStart(file: string, bytes: number): Promise<string>
}

/** The disk of this machine. */
export function createCommandFiles(platform: NodeJS.Platform): CommandFiles {
  return {
    canRun: async (file) => {
      try {
        if (!(await stat(file)).isFile()) return false
        if (platform !== 'win32') await access(file, constants.X_OK)
        return true
      } catch {
        // Not there, or not for this user.
        return false
      }
    },
    readStart: async (file, bytes) => {
      try {
        // What is put in its place meanwhile may be a pipe that nobody writes to: opening that would wait for ever.
        await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
        if (!(await handle.stat()).isFile()) return ''
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0)
        return buffer.toString('utf8', 0, bytesRead)
      } catch {
        // May be run but not read: then it is no script either.
        return ''
      }
    },
  }
}
