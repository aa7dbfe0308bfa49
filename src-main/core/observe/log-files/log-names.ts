import { readdir } from 'node:fs/promises'
import path from 'node:path'

/** Whether a server can have this name. Nothing else may become part of a path. */
export function isServerName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,30}$/.test(text)
}

/** The file with the output of a server; `folder` is that of all logs. Throws when no server can have the name. */
export function toServerLog(folder: string, server: string): string {
  if (!isServerName(server)) throw new RangeError(`“${server}” is no name of a server.`)
  return path.join(folder, server, 'server.log')
}

/** A rotated file of a log. */
export interface RotatedFile {
  readonly path: string
  /** When it was rotated, in milliseconds since 1970, as its name says. */
  readonly rotatedAt: number
}

const extension = '.log'
const stampPattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{1,3})?Z(?:-(\d{1,6}))?$/

/** The path of a rotated file: `server.log` becomes `server.20261120T100000.000Z.log`; `attempt` 1 and more add a number. */
export function toRotatedPath(file: string, time: Date, attempt: number): string {
  const stamp = time.toISOString().replaceAll(/[-:]/g, '')
  return `${file.slice(0, -extension.length)}.${stamp}${attempt === 0 ? '' : `-${attempt}`}${extension}`
}

/** The rotated files of a log, oldest first. Rejects when its folder cannot be read. */
export async function readRotatedFiles(file: string): Promise<RotatedFile[]> {
  const folder = path.dirname(file)
  const start = `${path.basename(file, extension)}.`
  const found: { path: string; rotatedAt: number; attempt: number }[] = []
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !name.endsWith(extension)) continue
    const parts = stampPattern.exec(name.slice(start.length, -extension.length))
    if (parts === null) continue
    const [, year, month, day, hour, minute, second, fraction = '.0', attempt = '0'] = parts
    const rotatedAt = Date.parse(
      `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.padEnd(4, '0')}Z`,
    )
    if (!Number.isNaN(rotatedAt))
      found.push({ path: path.join(folder, name), rotatedAt, attempt: Number(attempt) })
  }
  return found.toSorted((a, b) => a.rotatedAt - b.rotatedAt || a.attempt - b.attempt)
}
