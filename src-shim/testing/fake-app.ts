import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { LineSplitter } from '../../src-main/base/json-lines.ts'

/** A data folder of its own for one test. */
export function createFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'shim-'))
}

/** Waits for a condition, at most `milliseconds`. */
export async function until(isTrue: () => boolean, milliseconds = 15_000): Promise<void> {
  const deadline = Date.now() + milliseconds
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`Never became true: ${isTrue.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** One connection of a shim, past its hello. */
export interface Connection {
  readonly socket: Socket
  readonly hello: Record<string, unknown>
  readonly lines: string[]
  hasEnded: boolean
}

/** How a fake app behaves. */
export interface FakeAppOptions {
  /** The answer to a hello; yes when left out. */
  readonly answerHello?: (hello: Record<string, unknown>) => object
  /** What to send for a line. */
  readonly answer?: (line: string, connection: Connection) => string | undefined
}

let sockets = 0

/** Reads a stream line by line. */
export function readLines(stream: Readable, take: (line: string) => void): void {
  const onLine = (line: Buffer) => {
    take(line.toString())
  }
  const splitter = new LineSplitter({ maxBytes: 2 ** 30, onLine, onTooLong: () => undefined })
  stream.on('data', (chunk: Buffer) => {
    splitter.push(chunk)
  })
  stream.on('end', () => {
    splitter.end()
  })
}

/** A stand-in for the app: a socket, a rendezvous file, and every line that came. */
export class FakeApp {
  readonly connections: Connection[] = []
  readonly hellos: Record<string, unknown>[] = []
  readonly #folder: string
  readonly #options: FakeAppOptions
  readonly #open = new Set<Socket>()
  readonly #server: Server

  private constructor(folder: string, options: FakeAppOptions) {
    this.#folder = folder
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#accept(socket)
    })
  }

  static async start(folder: string, options: FakeAppOptions = {}): Promise<FakeApp> {
    const app = new FakeApp(folder, options)
    const place =
      process.platform === 'win32'
        ? String.raw`\\.\pipe\shim-${process.pid}-${++sockets}`
        : path.join(folder, `${++sockets}.sock`)
    await new Promise<void>((resolve) => app.#server.listen(place, resolve))
    await writeRendezvous(folder, { socket: place, token: 'secret' })
    return app
  }

  get last(): Connection {
    const connection = this.connections.at(-1)
    if (!connection) throw new Error('Nobody has connected.')
    return connection
  }

  send(line: string): void {
    this.last.socket.write(`${line}\n`)
  }

  /** Quits as a crash does: every connection goes, and the rendezvous file too. */
  async quit(): Promise<void> {
    await rm(path.join(this.#folder, 'rendezvous.json'), { force: true })
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#open.add(socket)
    let connection: Connection | undefined
    socket.on('error', () => socket.destroy())
    readLines(socket, (line) => {
      if (!connection) {
        connection = this.#greet(socket, line)
        return
      }
      connection.lines.push(line)
      const reply = this.#options.answer?.(line, connection)
      if (reply !== undefined) socket.write(`${reply}\n`)
    })
    socket.on('end', () => {
      if (connection) connection.hasEnded = true
      socket.end()
    })
  }

  #greet(socket: Socket, line: string): Connection | undefined {
    const hello = JSON.parse(line) as Record<string, unknown>
    this.hellos.push(hello)
    const reply = this.#options.answerHello?.(hello) ?? { patchbay: 1, ok: true }
    socket.write(`${JSON.stringify(reply)}\n`)
    if (!('ok' in reply) || reply.ok !== true) {
      socket.end()
      return undefined
    }
    const connection = { socket, hello, lines: [], hasEnded: false }
    this.connections.push(connection)
    return connection
  }
}

/** Writes a rendezvous file, in one piece. */
export async function writeRendezvous(
  folder: string,
  place: { readonly socket: string; readonly token: string },
): Promise<void> {
  const file = path.join(folder, 'rendezvous.json')
  const value = { version: 1, pid: 1, startedAt: '', appVersion: '', url: null, ...place }
  await writeFile(`${file}.new`, JSON.stringify(value))
  await rename(`${file}.new`, file)
}
