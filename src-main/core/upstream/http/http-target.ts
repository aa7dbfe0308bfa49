import { product } from '#contract/product.ts'
import type { Logger } from '../../observe/logger.ts'
import type { HttpClient, HttpExchange, HttpListener } from './http-client.ts'

/** A server behind an address and how it is spoken to. */
export interface HttpTarget {
  readonly client: HttpClient
  readonly url: string
  /** From the configuration; sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  /** How long a connection may take to be there, in milliseconds. */
  readonly connectMs: number
  /** Longest message from the server, in bytes. */
  readonly messageBytes: number
  readonly logger: Logger
}

const userAgent = `${product.name}/${product.version}`

/** What a request to a target has besides what all of them have. */
export interface TargetRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The target's own address when left out. */
  readonly url?: URL
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly headersMs?: number
}

/** Sends a request to a target. Headers of the configuration give way to those that the protocol needs. */
export function sendTo(target: HttpTarget, request: TargetRequest, listener: HttpListener): HttpExchange {
  const { method, url = new URL(target.url), headers, body, headersMs } = request
  const configured = Object.entries(target.headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  return target.client.send(
    {
      method,
      url,
      headers: {
        'user-agent': userAgent,
        ...Object.fromEntries(configured),
        // Without it every form would do (RFC 9110, 12.5.3).
        'accept-encoding': 'identity',
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(headersMs === undefined ? {} : { headersMs }),
    },
    target.connectMs,
    listener,
  )
}
