import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { get } from 'node:http'
import path from 'node:path'
import { promisify } from 'node:util'

/** A program that listens on a port. */
export interface PortOwner {
  /** As the system knows it; undefined where it does not tell. */
  readonly name: string | undefined
  readonly pid: number
}

const listening = '0A'

/** The inodes of the sockets that listen on a port, from the text of Linux's /proc/net/tcp or tcp6. */
export function parseProcNet(text: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) === true && columns[3] === listening)
    .flatMap((columns) => columns[9] ?? [])
}

/** The owner in what `lsof -nP -iTCP:PORT -sTCP:LISTEN -Fpc` prints. */
export function parseLsof(text: string): PortOwner | undefined {
  const pid = /^p(\d+)$/m.exec(text)?.[1]
  return pid === undefined ? undefined : { pid: Number(pid), name: /^c(.+)$/m.exec(text)?.[1] }
}

/** The owner in what Windows' `netstat -ano` prints. */
export function parseNetstat(text: string, port: number): PortOwner | undefined {
  for (const line of text.split(/\r?\n/)) {
    const [protocol, local, remote, ...rest] = line.trim().split(/\s+/)
    // The state's name is translated; a listener's remote port is 0 in every language.
    if (protocol !== 'TCP' || local?.endsWith(`:${port}`) !== true || remote?.endsWith(':0') !== true)
      continue
    const pid = Number(rest.at(-1))
    if (Number.isInteger(pid)) return { pid, name: undefined }
  }
  return undefined
}

const run = promisify(execFile)
const patienceMs = 2000

/** Who listens on a port, as far as the system tells us. */
export async function findPortOwner(
  port: number,
  platform: NodeJS.Platform = process.platform,
): Promise<PortOwner | undefined> {
  try {
    if (platform === 'linux') return await findLinuxOwner(port)
    const options = { timeout: patienceMs }
    if (platform === 'win32') {
      return parseNetstat((await run('netstat', ['-ano', '-p', 'TCP'], options)).stdout, port)
    }
    const args = ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']
    return parseLsof((await run('lsof', args, options)).stdout)
  } catch {
    // No such command, or nothing that it may tell: the port alone has to do.
    return undefined
  }
}

async function findLinuxOwner(port: number): Promise<PortOwner | undefined> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const sockets = new Set(
    tables.flatMap((text) => parseProcNet(text, port)).map((inode) => `socket:[${inode}]`),
  )
  if (sockets.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`
    const descriptors = await readdir(folder).catch(() => [])
    for (const descriptor of descriptors) {
      const link = await readlink(`${folder}/${descriptor}`).catch(() => '')
      if (!sockets.has(link)) continue
      return { pid: Number(pid), name: await findLinuxName(pid) }
    }
  }
  return undefined
}

/** The name of its program: that of its main thread is the program's own choice, such as Node's “MainThread”. */
async function findLinuxName(pid: string): Promise<string | undefined> {
  const program = await readlink(`/proc/${pid}/exe`).catch(() => '')
  if (program !== '') return path.basename(program.replace(/ \(deleted\)$/, ''))
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  return name.trim() === '' ? undefined : name.trim()
}

/** Whether what listens there answers as Patchbay does. */
export function isPatchbay(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // By a name that it goes by wherever it listens.
    const headers = { Host: 'localhost' }
    const options = { host, port, path: '/healthz', headers, timeout: 500, agent: false }
    const request = get(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.length > 100) request.destroy()
      })
      response.on('end', () => {
        resolve(text === '{"status":"ok"}')
      })
      response.on('error', () => {
        resolve(false)
      })
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(false)
    })
    request.on('close', () => {
      resolve(false)
    })
  })
}
