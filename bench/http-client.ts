// A client of Streamable HTTP on bare sockets: Node's own HTTP client would take longer than what is measured. It knows
// answers as JSON with a Content-Length, and nothing else.
import { connect, type Socket } from 'node:net'
import { callStart, smallBytes, withinDeadline, type Client, type Payload } from './driver.ts'

/** Where an MCP server is reached over HTTP, and with which token. */
export interface Address {
  readonly url: string
  readonly token?: string
}

interface Answer {
  readonly status: number
  readonly head: string
  readonly bytes: number
}

const initialize =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}'
const initialized = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}')

/** Connects and opens a session. */
export async function openHttpClient(address: Address): Promise<Client> {
  const client = new HttpClient(address)
  try {
    await withinDeadline(client.open())
  } catch (error) {
    await client.close()
    throw error
  }
  return client
}

class HttpClient implements Client {
  firstAnswerMs = 0
  readonly pid = undefined
  readonly #url: URL
  /** Header lines of every request. */
  #headers: string
  #lanes: Lane[] = []
  #hasSession = false
  #lastId = 0

  constructor({ url, token }: Address) {
    this.#url = new URL(url)
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
    this.#headers =
      `Host: ${this.#url.host}\r\n${authorization}Content-Type: application/json\r\n` +
      'Accept: application/json, text/event-stream\r\n'
  }

  async open(): Promise<void> {
    const start = performance.now()
    await this.widen(1)
    const answer = await this.#send(this.#lanes[0]!, 'POST', [Buffer.from(initialize)])
    if (answer.status !== 200) throw new Error(`initialize was answered with status ${answer.status}.`)
    this.firstAnswerMs = performance.now() - start
    const session = /^mcp-session-id: *(.+)$/im.exec(answer.head)?.[1]?.trim()
    this.#hasSession = session !== undefined
    if (session !== undefined) this.#headers += `Mcp-Session-Id: ${session}\r\n`
    this.#headers += 'MCP-Protocol-Version: 2025-11-25\r\n'
    await this.#send(this.#lanes[0]!, 'POST', [initialized])
  }

  async widen(lanes: number): Promise<void> {
    const missing = Math.max(lanes - this.#lanes.length, 0)
    const opened = await Promise.all(Array.from({ length: missing }, () => openLane(this.#url)))
    this.#lanes.push(...opened)
  }

  async call({ tail, answerBytes }: Payload, lane: number): Promise<void> {
    const id = String(++this.#lastId)
    const body = [Buffer.from(callStart + id, 'latin1'), tail.subarray(0, -1)]
    const { status, bytes } = await this.#send(this.#lanes[lane]!, 'POST', body)
    if (status !== 200 || bytes !== answerBytes + id.length)
      throw new Error(`A call was answered with status ${status} and ${bytes} bytes.`)
  }

  async close(): Promise<void> {
    const [first] = this.#lanes
    try {
      if (first !== undefined && this.#hasSession) await withinDeadline(this.#send(first, 'DELETE', []))
    } finally {
      for (const lane of this.#lanes) lane.close()
      this.#lanes = []
    }
  }

  #send(lane: Lane, method: string, body: readonly Buffer[]): Promise<Answer> {
    const length = body.reduce((sum, part) => sum + part.length, 0)
    const start = `${method} ${this.#url.pathname} HTTP/1.1\r\n${this.#headers}Content-Length: ${length}\r\n\r\n`
    return lane.exchange([Buffer.from(start, 'latin1'), ...body])
  }
}

async function openLane(url: URL): Promise<Lane> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject)
  })
  return new Lane(socket)
}

/** One connection with one exchange at a time. */
class Lane {
  readonly #socket: Socket
  #waiting:
    { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined
  /** The beginning of an answer whose head is not whole yet. */
  #partial: Buffer = Buffer.alloc(0)
  #answer: Answer | undefined
  #missingBytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk)
    })
    socket.on('error', (error) => {
      this.#waiting?.reject(error)
    })
    socket.on('close', () => {
      this.#waiting?.reject(new Error('The connection was closed before the answer.'))
    })
  }

  exchange(parts: readonly Buffer[]): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting = { resolve, reject }
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    if (bytes <= smallBytes) this.#socket.write(Buffer.concat(parts, bytes))
    else {
      this.#socket.cork()
      for (const part of parts) this.#socket.write(part)
      this.#socket.uncork()
    }
    return promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    if (this.#answer === undefined) this.#takeHead(chunk)
    else this.#takeBody(chunk.length)
  }

  #takeHead(chunk: Buffer): void {
    const bytes = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk])
    const end = bytes.indexOf('\r\n\r\n')
    this.#partial = end === -1 ? bytes : Buffer.alloc(0)
    if (end === -1) return
    const head = bytes.toString('latin1', 0, end)
    const status = Number(head.slice(9, 12))
    const length = /^content-length: *([0-9]+)/im.exec(head)?.[1]
    if (length === undefined && status !== 202 && status !== 204) {
      this.#socket.destroy(new Error(`An answer with status ${status} has no Content-Length.`))
      return
    }
    this.#missingBytes = Number(length ?? 0)
    this.#answer = { status, head, bytes: this.#missingBytes }
    this.#takeBody(bytes.length - end - 4)
  }

  #takeBody(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes > 0) return
    const answer = this.#answer!
    const waiting = this.#waiting
    this.#answer = undefined
    this.#waiting = undefined
    waiting?.resolve(answer)
  }
}
