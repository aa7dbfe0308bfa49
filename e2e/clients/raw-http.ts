// Requests to the app's HTTP gateway as bytes, and every byte that comes back.
import { connect, type Socket } from 'node:net'
import { defaultDeadline, withDeadline } from './deadline.ts'

/** What came back on one connection. */
export interface RawAnswer {
  /** Of the first response; 0 when there was none. */
  readonly status: number
  /** Of all responses, in order. */
  readonly statuses: readonly number[]
  /** All of it, as latin1. */
  readonly text: string
}

/** A GET of /mcp without the token but for what is given. */
export interface Attempt {
  readonly method?: string
  readonly target?: string
  /** Header lines; in place of the usual ones where they begin with `Host`, else besides them. */
  readonly headers?: readonly string[]
  readonly body?: string
  readonly isWithToken?: boolean
}

/** A right body. */
export const initialize =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}'

/** Everything that a gateway ever sent to these connections, so that a secret can be looked for in it. */
export class RawHttp {
  readonly #host: string
  readonly #port: number
  readonly #token: () => string
  readonly #sockets = new Set<Socket>()
  #received = ''

  constructor(url: string, token: () => string) {
    this.#token = token
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  get received(): string {
    return this.#received
  }

  /** `host:port`, as a Host header has it. */
  get authority(): string {
    return `${this.#host}:${this.#port}`
  }

  /** Sends bytes; gives what came until the gateway closed the connection. */
  async send(...pieces: readonly string[]): Promise<RawAnswer> {
    const socket = this.open()
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk))
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => {
        resolve()
      })
    })
    for (const piece of pieces) socket.write(piece, 'latin1')
    try {
      await withDeadline(closed, defaultDeadline, () => `the gateway did not close; it said: ${text}`)
    } finally {
      socket.destroy()
    }
    const statuses = [...text.matchAll(/(?:^|\r\n\r\n[^\r\n]*?)HTTP\/1\.1 (\d{3}) /g)].map((match) =>
      Number(match[1]),
    )
    return { status: statuses[0] ?? 0, statuses, text }
  }

  /** A request as bytes. */
  toBytes({
    method = 'GET',
    target = '/mcp',
    headers = [],
    body = '',
    isWithToken = false,
  }: Attempt): string {
    const hasHost = headers.some((line) => /^host:/i.test(line)) || headers.includes('no host')
    const lines = [
      ...(hasHost ? [] : [`Host: ${this.authority}`]),
      ...(isWithToken ? [`Authorization: Bearer ${this.#token()}`] : []),
      ...headers.filter((line) => line !== 'no host'),
      'Connection: close',
    ]
    return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
  }

  /** Makes a request on a connection of its own. */
  attempt(given: Attempt): Promise<RawAnswer> {
    return this.send(this.toBytes(given))
  }

  /** A right POST but for what is given. */
  post({ headers = [], body = initialize, ...rest }: Attempt): Promise<RawAnswer> {
    const hasLength = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))
    const usual = ['Content-Type: application/json', ...(hasLength ? [] : [`Content-Length: ${body.length}`])]
    return this.attempt({ method: 'POST', isWithToken: true, headers: [...usual, ...headers], body, ...rest })
  }

  /** Opens a connection. */
  open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port })
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // To be cut off is what some attempts come to.
    socket.on('error', () => undefined)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#received += chunk
    })
    return socket
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
