import { createHash } from 'node:crypto'
import path from 'node:path'

/** What the place of the local socket depends on. */
export interface SocketHints {
  readonly dataFolder: string
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's id, for the last resort under the temp folder. */
  readonly user: string
  readonly tempFolder: string
  readonly isFolder: (path: string) => boolean
}

// 104 bytes on macOS, 108 on Linux, with room to spare for a scratch name.
const longestPath = 96

/** Where the local socket stands: the first place that is there and short enough (docs/interfaces.md, "Local socket"). */
export function toSocketPath(hints: SocketHints): string {
  const { dataFolder, platform, env, user, tempFolder } = hints
  const hash = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16)
  if (platform === 'win32') {
    return `\\\\.\\pipe\\patchbay-${createHash('sha256').update(`${user}\0${dataFolder}`).digest('hex').slice(0, 16)}`
  }
  const runtimeFolder = env['XDG_RUNTIME_DIR']
  const inRuntime =
    runtimeFolder && hints.isFolder(runtimeFolder)
      ? [path.posix.join(runtimeFolder, 'patchbay', `${hash}.sock`)]
      : []
  const candidates = [...inRuntime, path.posix.join(dataFolder, 'run', 'patchbay.sock')]
  const short = candidates.find((candidate) => Buffer.byteLength(candidate) <= longestPath)
  return short ?? path.posix.join(tempFolder, `patchbay-${user}`, `${hash}.sock`)
}
