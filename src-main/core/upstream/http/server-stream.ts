import { EventStreamReader } from '#base/event-stream.ts'
import type { HttpExchange, HttpListener, HttpResponse } from './http-client.ts'
import { BodyReader } from './body-reader.ts'
import {
  isSessionForgotten,
  toFormTrouble,
  toLines,
  toMediaType,
  toNetworkTrouble,
  toStatusTrouble,
  type HttpTrouble,
} from './http-trouble.ts'

/** What a stream asks of the session that it belongs to. */
export interface StreamHost {
  readonly messageBytes: number
  /** Asks for what came after an event, or for what the server says unasked. */
  openGet(lastEventId: string | undefined, listener: HttpListener): HttpExchange
  readonly onLine: (line: Buffer) => void
  readonly onTooLong: (first: Buffer, last: Buffer) => void
  /** Whether anything is still awaited from it. */
  readonly isWanted: () => boolean
  /** It broke and is opened again; something may be wrong. */
  readonly onBroken: (trouble: HttpTrouble) => void
  /** The server has forgotten the session. */
  readonly onExpired: () => void
  /** It is over for good; `trouble` is why, `wasOpen` whether it ever was open. */
  readonly onOver: (trouble: HttpTrouble, wasOpen: boolean) => void
}

const firstDelayMs = 1000
const longestDelayMs = 30_000
/** A server that wants to be asked again at once would have us do nothing else. */
const shortestDelayMs = 50
/** How often in a row it may fail to open again while a call waits for it. */
const mostFailures = 5
const errorBytes = 64 * 1024

/**
 * An event stream of a server that is opened again where it broke (MCP 2025-11-25, "Resumability and Redelivery"): that
 * of one request, or the one for what the server says unasked, which is not `forRequest` and never given up.
 */
export class ServerStream {
  readonly #host: StreamHost
  readonly #forRequest: boolean
  #exchange: HttpExchange | undefined
  #lastId: string | undefined
  #retryMs: number | undefined
  /** How often in a row it could not be opened. */
  #failures = 0
  /** How often in a row it was of no use, even if it could be opened. */
  #vain = 0
  #wasOpen = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  /** What broke it; nothing while it is open. */
  #brokenBy: HttpTrouble | undefined

  constructor(host: StreamHost, forRequest: boolean) {
    this.#host = host
    this.#forRequest = forRequest
  }

  /** Opens it by asking for it. */
  open(): void {
    if (this.#isOver) return
    this.#exchange = this.#host.openGet(this.#lastId, this.#toListener())
  }

  /** Reads it from a response that has begun; what comes of that goes to the listener. */
  read(): HttpListener {
    return this.#toReader()
  }

  close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#exchange?.abort()
  }

  #toListener(): HttpListener {
    let reader: HttpListener | undefined
    let refused: HttpResponse | undefined
    const body = new BodyReader(errorBytes)
    return {
      onResponse: (response) => {
        const isStream = toMediaType(response.header('content-type')) === 'text/event-stream'
        if (response.status === 200 && isStream) reader = this.#toReader()
        else refused = response
      },
      onData: (chunk) => {
        if (reader === undefined) body.push(chunk)
        else reader.onData(chunk)
      },
      onEnd: () => {
        if (reader !== undefined) reader.onEnd()
        else if (refused !== undefined) this.#onRefused(refused, body.take())
      },
      onError: (error) => {
        this.#onBroken(toNetworkTrouble(error))
      },
    }
  }

  #toReader(): HttpListener {
    this.#wasOpen = true
    this.#failures = 0
    this.#brokenBy = undefined
    const { messageBytes, onLine, onTooLong } = this.#host
    const reader = new EventStreamReader({
      maxBytes: messageBytes,
      onEvent: ({ type, data }) => {
        this.#vain = 0
        // Events of other types are none of MCP.
        if (type === 'message') for (const line of toLines(data)) onLine(line)
      },
      onId: (id) => {
        this.#lastId = id
      },
      onRetry: (milliseconds) => {
        this.#retryMs = milliseconds
      },
      onTooLong,
    })
    return {
      onResponse: () => undefined,
      onData: (chunk) => {
        if (!this.#isOver) reader.push(chunk)
      },
      onEnd: () => {
        this.#onBroken({
          reason: 'it ended the answer before it was complete',
          kind: 'lost',
          failure: 'failed',
        })
      },
      onError: (error) => {
        this.#onBroken(toNetworkTrouble(error))
      },
    }
  }

  #onRefused(response: HttpResponse, body: Buffer): void {
    if (this.#isOver) return
    const isError = response.status >= 400
    // Before it was ever open, 404 may as well mean that there is no such stream.
    if (this.#wasOpen && isSessionForgotten(response.status, body)) {
      this.#host.onExpired()
    }
    const trouble = isError ? toStatusTrouble(response, body) : toFormTrouble(response)
    if (trouble.kind === 'unreachable') this.#onBroken(trouble)
    // That a stream cannot be taken up again is not what went wrong with it.
    else this.#finish(this.#brokenBy ?? trouble)
  }

  #onBroken(trouble: HttpTrouble): void {
    if (this.#isOver) return
    if (!this.#host.isWanted()) {
      this.#finish(trouble)
      return
    }
    const isHopeless = this.#lastId === undefined || this.#failures >= mostFailures
    if (this.#forRequest && isHopeless) {
      this.#finish(trouble)
      return
    }
    this.#host.onBroken(trouble)
    this.#brokenBy ??= trouble
    const backOff = Math.min(firstDelayMs * 2 ** this.#vain, longestDelayMs)
    this.#failures += 1
    this.#vain += 1
    const delay = Math.max(trouble.retryAfterMs ?? 0, this.#retryMs ?? backOff, shortestDelayMs)
    this.#timer = setTimeout(() => {
      if (this.#host.isWanted()) this.open()
      else this.#finish(trouble)
    }, delay)
  }

  /** Whatever is wrong now: what it belongs to was taken by the server when it began. */
  #finish(trouble: HttpTrouble): void {
    // Whoever heard that the session has expired may have closed it.
    if (this.#isOver) return
    this.#isOver = true
    this.#host.onOver({ ...trouble, failure: 'failed' }, this.#wasOpen)
  }
}
