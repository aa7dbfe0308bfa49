import { createConnection } from 'node:net'
import { once } from 'node:events'
import { onTestFinished, vi } from 'vitest'
import { LineSplitter } from '#base/json-lines.ts'
import { patience } from './patience.ts'

/** A client on a local socket that remembers every line. */
export interface SocketClient {
  readonly lines: readonly string[]
  readonly isClosed: boolean
  send(value: unknown): void
  sendText(text: string): void
  /** Reads no further until `resume`. */
  pause(): void
  resume(): void
  end(): void
  /** The n-th line, parsed, as soon as it is there. */
  line(index: number): Promise<unknown>
  untilClosed(): Promise<void>
}

/** Connects to a local socket; the connection ends with the test. `allowHalfOpen`: does not end when the other side does. */
export async function connectSocketClient(path: string, allowHalfOpen = false): Promise<SocketClient> {
  const socket = createConnection({ path, allowHalfOpen })
  onTestFinished(() => {
    socket.destroy()
  })
  const lines: string[] = []
  const splitter = new LineSplitter({
    maxBytes: Infinity,
    onLine: (line) => lines.push(line.toString()),
    onTooLong: () => undefined,
  })
  socket.on('data', (chunk) => {
    splitter.push(chunk)
  })
  // A connection that is cut off is what some tests want: they look at isClosed.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return {
    lines,
    get isClosed() {
      return socket.closed || socket.readableEnded
    },
    send: (value) => socket.write(`${JSON.stringify(value)}\n`),
    sendText: (text) => socket.write(text),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.end(),
    line: (index) =>
      vi.waitFor(() => {
        const text = lines[index]
        if (text === undefined) throw new Error(`There are only ${lines.length} lines yet.`)
        return JSON.parse(text) as unknown
      }, patience),
    untilClosed: () =>
      vi.waitFor(() => {
        if (!socket.closed && !socket.readableEnded) throw new Error('The connection is still open.')
      }, patience),
  }
}
