import tls from 'node:tls'
import { Agent, ProxyAgent, type Dispatcher } from 'undici'
import { toShownAddress } from '../../config/shown-address.ts'
import { findProxy, ProxyFailure, type Environment } from './proxy.ts'

/** A request to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** How long the head of the answer may take, in milliseconds; for as long as it takes when left out. */
  readonly headersMs?: number
}

/** The head of a response. */
export interface HttpResponse {
  readonly status: number
  /** A header by its name in lower case; of several the first. */
  header(name: string): string | undefined
}

/** What comes of a request: a response and then its end, or an error at any time. */
export interface HttpListener {
  readonly onResponse: (response: HttpResponse) => void
  readonly onData: (chunk: Buffer) => void
  readonly onEnd: () => void
  readonly onError: (error: Error) => void
}

/** A request that is under way. */
export interface HttpExchange {
  /** Stops reading the response until `resume`. */
  pause(): void
  resume(): void
  /** Ends it without a further word. */
  abort(): void
}

/** A redirection that is not followed. The message completes "… because". */
export class RedirectRefused extends Error {
  override readonly name = 'RedirectRefused'
}

/** What the client is made from. */
export interface HttpClientOptions {
  /** Tells the proxies, by the usual names. */
  readonly env: Environment
}

const mostRedirects = 5
const longestPlace = 300
const never = 0
/** How long the body of a redirection may take: nobody wants it, but a connection that was read to its end serves again. */
const redirectBodyMs = 1000

/**
 * Sends HTTP requests, through the proxy where the environment names one, and trusting the certificates that this
 * computer trusts. Follows redirects that keep method and origin, since others would lose the body or give headers away.
 */
export class HttpClient {
  readonly #env: HttpClientOptions['env']
  readonly #agents = new Map<string, Dispatcher>()

  constructor({ env }: HttpClientOptions) {
    this.#env = env
  }

  /** `connectMs` is how long a connection may take to be there, in milliseconds. */
  send(request: HttpRequest, connectMs: number, listener: HttpListener): HttpExchange {
    const exchange = new Exchange((url) => this.#findRoute(url, connectMs), listener)
    exchange.send(request)
    return exchange
  }

  /** Ends all connections, whatever is under way on them. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    await Promise.all(agents.map((agent) => agent.destroy()))
  }

  /** Throws ProxyUnusable. */
  #findRoute(url: URL, connectMs: number): Route {
    const proxy = findProxy(url, this.#env)
    const key = `${url.protocol} ${connectMs} ${proxy ?? ''}`
    const agent = this.#agents.get(key) ?? createAgent(url.protocol, connectMs, proxy)
    this.#agents.set(key, agent)
    return { agent, isByProxy: proxy !== undefined }
  }
}

/** How an address is reached. */
interface Route {
  readonly agent: Dispatcher
  readonly isByProxy: boolean
}

function createAgent(protocol: string, connectMs: number, proxy: string | undefined): Dispatcher {
  const secure = { timeout: connectMs, ...(protocol === 'https:' ? findCertificates() : {}) }
  const limits = { headersTimeout: never, bodyTimeout: never }
  if (proxy === undefined) return new Agent({ ...limits, connect: secure })
  return new ProxyAgent({
    ...limits,
    uri: proxy,
    // As every other program does it: only what is encrypted goes through a tunnel.
    proxyTunnel: false,
    requestTls: secure,
    proxyTls: secure,
  })
}

/** The certificates of Node and of the system; Node's alone where it cannot tell the others. */
function findCertificates(): { ca?: string[] } {
  const { getCACertificates } = tls as { getCACertificates?: typeof tls.getCACertificates }
  if (getCACertificates === undefined) return {}
  return { ca: [...getCACertificates('default'), ...getCACertificates('system')] }
}

/** One request with the redirects that it meets. */
class Exchange implements HttpExchange {
  readonly #findRoute: (url: URL) => Route
  readonly #listener: HttpListener
  #controller: Dispatcher.DispatchController | undefined
  #isPaused = false
  /** It has told its end, or is to tell nothing more. */
  #isOver = false
  #redirects = 0

  constructor(findRoute: (url: URL) => Route, listener: HttpListener) {
    this.#findRoute = findRoute
    this.#listener = listener
  }

  send(request: HttpRequest): void {
    const { method, url, headers, body, headersMs } = request
    // Whoever sends it must have it in hand before anything is told of it.
    let isDispatching = true
    const fail = (error: Error): void => {
      const tell = (): void => {
        if (this.#isOver) return
        // Some errors are told before the response is over.
        this.#isOver = true
        this.#listener.onError(error)
      }
      if (isDispatching) queueMicrotask(tell)
      else tell()
    }
    const options = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      headersTimeout: headersMs ?? never,
      // A proxy's connections know nothing of what the agent was made with.
      bodyTimeout: never,
      ...(body === undefined ? {} : { body }),
    }
    try {
      const { agent, isByProxy } = this.#findRoute(url)
      const onError = (error: Error): void => {
        fail(isByProxy && !(error instanceof RedirectRefused) ? new ProxyFailure(error) : error)
      }
      agent.dispatch(options, this.#createHandler(request, onError))
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
    isDispatching = false
  }

  #createHandler(request: HttpRequest, onError: (error: Error) => void): Dispatcher.DispatchHandler {
    const listener = this.#listener
    let next: HttpRequest | undefined
    let isFollowed = false
    let timer: NodeJS.Timeout | undefined
    const follow = (): void => {
      clearTimeout(timer)
      if (next === undefined || isFollowed || this.#isOver) return
      isFollowed = true
      this.send(next)
    }
    return {
      onRequestStart: (controller) => {
        this.#controller = controller
        if (this.#isOver) controller.abort(new Error('It is not wanted any more.'))
      },
      onResponseStart: (controller, status, raw) => {
        // Informational ones come before the real one.
        if (status < 200 || this.#isOver) return
        const header = (name: string): string | undefined => toText(raw[name])
        next = this.#findRedirect(request, status, header('location'))
        if (next !== undefined) {
          timer = setTimeout(() => {
            follow()
            controller.abort(new Error('It is not wanted any more.'))
          }, redirectBodyMs)
          return
        }
        listener.onResponse({ status, header })
        if (this.#isPaused) controller.pause()
      },
      onResponseData: (...[, chunk]) => {
        if (next === undefined && !this.#isOver) listener.onData(chunk)
      },
      onResponseEnd: () => {
        if (this.#isOver) return
        if (next !== undefined) {
          follow()
          return
        }
        this.#isOver = true
        listener.onEnd()
      },
      onResponseError: (...[, error]) => {
        if (next === undefined) onError(error)
        else follow()
      },
    }
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#controller?.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller?.abort(new Error('It is not wanted any more.'))
  }

  /** The same request to where it is sent on to. Throws RedirectRefused. */
  #findRedirect(request: HttpRequest, status: number, location: string | undefined): HttpRequest | undefined {
    if (location === undefined || status < 300 || status > 399 || status === 304) return undefined
    const url = URL.canParse(location, request.url.href) ? new URL(location, request.url) : undefined
    if (url === undefined) throw new RedirectRefused('it sends us on to what is no address')
    const keepsMethod = status === 307 || status === 308 || request.method === 'GET'
    if (url.origin !== request.url.origin || !keepsMethod) {
      const place = toShownAddress(url.href).slice(0, longestPlace)
      throw new RedirectRefused(
        `it sends us on to ${place} (HTTP ${status}); if that is right, put that address into the configuration`,
      )
    }
    this.#redirects += 1
    if (this.#redirects > mostRedirects)
      throw new RedirectRefused(`it sends us on and on (${mostRedirects} redirects)`)
    return { ...request, url }
  }
}

function toText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
