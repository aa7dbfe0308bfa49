import { createConnection, type Socket } from 'node:net'
import { LineSplitter } from '#base/json-lines.ts'
import {
  commandClient,
  helloLimits,
  parseHelloAnswer,
  type HelloAnswer,
  type Rendezvous,
} from '#contract/rendezvous.ts'
import { readRendezvous } from '#core/gateway/rendezvous-file.ts'

/** The app of this data folder, if it answers a hello: a rendezvous alone may be what a killed app left behind. */
export async function findRunningApp(dataFolder: string): Promise<Rendezvous | undefined> {
  const rendezvous = await readRendezvous(dataFolder)
  if (rendezvous === undefined) return undefined
  try {
    const client = await openAppClient(rendezvous, null)
    client.close()
    return rendezvous
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

/** A session-less line to the running app, for commands that ask it something. */
export interface AppClient {
  /** Sends a request and gives its parsed answer; rejects when it is not answered in time. */
  request(method: string, params: unknown, timeoutMs: number): Promise<AppAnswer>
  notify(method: string): void
  close(): void
}

/** What a request came back with. */
interface AppAnswer {
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Connects to the running app, to all servers or to one. Rejects with a sentence when it does not let us in. */
export async function openAppClient(rendezvous: Rendezvous, server: string | null): Promise<AppClient> {
  const socket = createConnection(rendezvous.socket)
  const lines = new LineQueue(socket)
  const hello = {
    patchbay: 1,
    token: rendezvous.token,
    client: { name: commandClient, pid: process.pid, cwd: process.cwd() },
    profile: null,
    server,
  }
  socket.write(`${JSON.stringify(hello)}\n`)
  const answer: HelloAnswer = parseHelloAnswer(await lines.next(helloLimits.milliseconds))
  if (!answer.ok) {
    socket.destroy()
    throw new Error(answer.message)
  }
  let nextId = 1
  return {
    request: async (method, params, timeoutMs) => {
      const id = nextId++
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      for (;;) {
        const message = JSON.parse(await lines.next(timeoutMs)) as AppAnswer & { id?: unknown }
        if (message.id === id && ('result' in message || 'error' in message)) return message
      }
    },
    notify: (method) => socket.write(`${JSON.stringify({ jsonrpc: '2.0', method })}\n`),
    close: () => {
      socket.destroy()
    },
  }
}

/** Lines of a socket, one at a time. */
class LineQueue {
  readonly #lines: string[] = []
  readonly #socket: Socket
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    const splitter = new LineSplitter({
      maxBytes: 64 * 1024 * 1024,
      onLine: (line) => {
        this.#lines.push(line.toString())
      },
      onTooLong: () => {
        this.#fail(new Error('The app sent a message that is too long.'))
      },
    })
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk)
      this.#wake?.()
    })
    socket.on('error', (error) => {
      this.#fail(error)
    })
    socket.on('close', () => {
      this.#fail(new Error('The app closed the connection.'))
    })
  }

  async next(timeoutMs: number): Promise<string> {
    const timer = setTimeout(() => {
      this.#fail(new Error(`No answer within ${timeoutMs / 1000} s.`))
    }, timeoutMs)
    try {
      for (;;) {
        const line = this.#lines.shift()
        if (line !== undefined) return line
        if (this.#failure !== undefined) throw this.#failure
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#socket.destroy()
    this.#wake?.()
  }
}
