// HTTP requests of one client: node:http, connections kept alive, all of them cut together.
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'

/** Where the requests go and what each carries. */
export interface HttpTarget {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One request to be sent. */
interface HttpRequest {
  readonly method: string
  /** Relative to the target's; the target itself when left out. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: Buffer
}

/** One request under way. */
export interface Exchange {
  /** Resolves once the whole request is with the operating system, or nothing will come of it. */
  readonly sent: Promise<void>
  /** The response, once its headers are there; the reason when there will be none. */
  readonly response: Promise<IncomingMessage | Error>
}

/** Sends requests to one server. */
export class HttpLink {
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent = new Agent({ keepAlive: true })
  readonly #open = new Set<ClientRequest>()

  constructor(target: HttpTarget) {
    this.#url = new URL(target.url)
    this.#headers = target.headers ?? {}
  }

  send({ method, path, headers = {}, body }: HttpRequest): Exchange {
    const given = Object.entries(headers).filter((entry) => entry[1] !== undefined)
    const length = body === undefined ? {} : { 'content-length': body.length }
    const outgoing = request(path === undefined ? this.#url : new URL(path, this.#url), {
      method,
      agent: this.#agent,
      headers: { ...this.#headers, ...(Object.fromEntries(given) as Record<string, string>), ...length },
    })
    this.#open.add(outgoing)
    outgoing.on('close', () => this.#open.delete(outgoing))
    const sent = new Promise<void>((resolve) => {
      for (const event of ['finish', 'response', 'error', 'close']) {
        outgoing.once(event, () => {
          resolve()
        })
      }
    })
    const response = new Promise<IncomingMessage | Error>((resolve) => {
      outgoing.on('response', resolve)
      outgoing.on('error', resolve)
      outgoing.on('close', () => {
        resolve(new Error('The connection was closed.'))
      })
    })
    outgoing.end(body)
    return { sent, response }
  }

  /**
   * Resolves once the server has seen what was sent before. Requests travel on connections of their own: one that is
   * sent later may be seen first, as long as nothing has come back. Two rounds, since a new connection takes the server two.
   */
  async settle(): Promise<void> {
    for (let round = 1; round <= 2; round++) {
      const response = await this.send({ method: 'GET', path: '/healthz' }).response
      if (response instanceof Error) return
      await readBody(response)
    }
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const outgoing of this.#open) outgoing.destroy()
    this.#agent.destroy()
  }
}

/** The whole body; what came of it when it broke off. */
export async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise<void>((resolve) => {
    response.on('error', () => {
      resolve()
    })
    response.on('close', resolve)
  })
  return Buffer.concat(chunks)
}
