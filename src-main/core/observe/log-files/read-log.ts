import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { LineSplitter } from '#base/json-lines.ts'
import { isServerName, readRotatedFiles, toServerLog } from './log-names.ts'
import type { OutputStream } from '../server-output.ts'

/** The servers that have a log, sorted; `folder` is that of all logs. Those that cannot be looked at are left out. */
export async function readLoggedServers(folder: string): Promise<string[]> {
  const names = (await readFolder(() => readdir(folder))).filter(isServerName)
  const files = await Promise.all(names.map((name) => readLogFiles(toServerLog(folder, name))))
  return names.filter((...[, index]) => files[index]?.length !== 0).toSorted()
}

const blockBytes = 64 * 1024
const maxLineBytes = 2 ** 20
// `[2026-11-20T10:00:00.000Z] [STDERR] `
const streamStart = 27
const streamEnd = 35

interface LogFile {
  readonly path: string
  readonly device: bigint
  readonly inode: bigint
}

/**
 * Reads the log of a server, over its rotated files, in pieces: no matter how long the log is, this takes little memory.
 * Can be asked again and again for what came since.
 */
export class LogReader {
  readonly #file: string
  readonly #matches: (start: Buffer) => boolean
  readonly #splitter: LineSplitter
  #lines: string[] = []
  #at: { readonly handle: FileHandle; readonly file: LogFile; offset: number } | undefined

  /** `file`: the current file of the log; `stream`: the only one whose lines are given. */
  constructor(file: string, stream?: OutputStream) {
    this.#file = file
    const tag = stream === undefined ? undefined : Buffer.from(`[${stream.toUpperCase()}]`)
    this.#matches = (start) => tag === undefined || start.subarray(streamStart, streamEnd).equals(tag)
    this.#splitter = new LineSplitter({
      maxBytes: maxLineBytes,
      onLine: (line) => {
        if (this.#matches(line)) this.#lines.push(line.toString())
      },
      onTooLong: (first) => {
        if (this.#matches(first)) this.#lines.push(`${first.toString()}…`)
      },
    })
  }

  /** Goes to where the last lines begin, or all there are. False when there is no log yet. Rejects when it cannot be read. */
  async seekLast(lines: number): Promise<boolean> {
    let missing = lines
    for (const file of (await readLogFiles(this.#file)).toReversed()) {
      const handle = await openLogFile(file)
      if (handle === undefined) continue
      await this.close()
      const found = await findLastLines(handle, missing, this.#matches)
      this.#at = { handle, file, offset: found.offset }
      missing = found.missing
      if (missing === 0) break
    }
    return this.#at !== undefined
  }

  /** The lines from where it stands to the end of the log, in pieces. Half a line at the end waits for its other half. */
  async *readOn(): AsyncGenerator<readonly string[]> {
    let next: LogFile | undefined
    for (;;) {
      const bytes = await this.#readBlock()
      if (bytes !== undefined) {
        this.#splitter.push(bytes)
        yield this.#takeLines()
      } else if (next !== undefined) {
        // Nothing more can come into the file that was rotated or removed.
        this.#splitter.end()
        yield this.#takeLines()
        await this.#moveTo(next)
        next = undefined
      } else {
        next = await this.#findNext()
        if (next === undefined) return
      }
    }
  }

  /** Half a line that its other half never came to. */
  takeRest(): readonly string[] {
    this.#splitter.end()
    return this.#takeLines()
  }

  async close(): Promise<void> {
    await this.#at?.handle.close()
    this.#at = undefined
  }

  #takeLines(): readonly string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  async #readBlock(): Promise<Buffer | undefined> {
    const at = this.#at
    if (at === undefined) return undefined
    const { bytesRead, buffer } = await at.handle.read(Buffer.alloc(blockBytes), 0, blockBytes, at.offset)
    at.offset += bytesRead
    if (bytesRead > 0) return buffer.subarray(0, bytesRead)
    // Somebody emptied it.
    if ((await at.handle.stat()).size < at.offset) at.offset = 0
    return undefined
  }

  /** The file that follows the one where it stands, as soon as there is one. */
  async #findNext(): Promise<LogFile | undefined> {
    const mine = this.#at?.file
    const current = await findLogFile(this.#file)
    if (mine !== undefined && current !== undefined && isSame(mine, current)) return undefined
    const files = await readLogFiles(this.#file)
    if (mine === undefined) return files[0]
    const index = files.findIndex((file) => isSame(file, mine))
    return index === -1 ? current : files[index + 1]
  }

  async #moveTo(file: LogFile): Promise<void> {
    const handle = await openLogFile(file)
    // Rotated just now: it is found again under its new name.
    if (handle === undefined) return
    await this.close()
    this.#at = { handle, file, offset: 0 }
  }
}

/** Where in a file the last so many matching lines begin, and how many it lacks. Reads backwards, in blocks. */
async function findLastLines(
  handle: FileHandle,
  count: number,
  matches: (start: Buffer) => boolean,
): Promise<{ offset: number; missing: number }> {
  const { size } = await handle.stat()
  let missing = count
  let end = size
  /** The bytes that follow those that are read next, as far as they can tell whether a line matches. */
  let after = Buffer.alloc(0)
  while (end > 0 && missing > 0) {
    const start = Math.max(0, end - blockBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
    const block = Buffer.concat([buffer.subarray(0, bytesRead), after])
    for (let at = bytesRead; at >= 0;) {
      const lineStart = at === 0 ? -1 : block.lastIndexOf('\n', at - 1)
      at = lineStart
      const isStart = lineStart !== -1 || start === 0
      const line = block.subarray(lineStart + 1, lineStart + 1 + streamEnd)
      if (!isStart || line.length === 0 || line[0] === 0x0a || !matches(line)) continue
      if (--missing === 0) return { offset: start + lineStart + 1, missing }
    }
    after = Buffer.from(block.subarray(0, streamEnd))
    end = start
  }
  return { offset: missing === 0 ? size : 0, missing }
}

/** The files of a log, oldest first, the current one last. */
async function readLogFiles(file: string): Promise<LogFile[]> {
  const rotated = await readFolder(() => readRotatedFiles(file))
  const files = await Promise.all([...rotated.map((one) => one.path), file].map(findLogFile))
  return files.filter((found) => found !== undefined)
}

async function findLogFile(place: string): Promise<LogFile | undefined> {
  const found = await stat(place, { bigint: true }).catch(() => undefined)
  return found?.isFile() === true ? { path: place, device: found.dev, inode: found.ino } : undefined
}

function isSame(a: LogFile, b: LogFile): boolean {
  return a.inode === b.inode && a.device === b.device
}

/** Opens a file, unless it is gone or another one has its name by now. */
async function openLogFile(file: LogFile): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file.path, 'r')
    const { dev: device, ino: inode } = await handle.stat({ bigint: true })
    if (isSame(file, { path: file.path, device, inode })) return handle
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await handle?.close()
  return undefined
}

/** What a folder has; nothing when it is not there. */
async function readFolder<T>(read: () => Promise<T[]>): Promise<T[]> {
  try {
    return await read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
