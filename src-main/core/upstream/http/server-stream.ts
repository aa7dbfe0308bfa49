import { EventStreamReader } from '#base/event-stream.ts'
import { readEventStream } from './event-stream-response.ts'
import type { HttpExchange, HttpListener, HttpResponse } from './http-client.ts'
import { isSessionForgotten, toLines, toNetworkTrouble, type HttpTrouble } from './http-trouble.ts'

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
  /** Whether the server has ever given a stream that it was asked for: if not, 404 may mean that it has none. */
  readonly hasStreams: () => boolean
  /** The server has forgotten the session. */
  readonly onExpired: () => void
  /** It is over for good; `trouble` is why, `wasOpen` whether it ever was open. */
  readonly onOver: (trouble: HttpTrouble, wasOpen: boolean) => void
}

const firstDelayMs = 1000
const longestDelayMs = 30_000
/** The longest time that a server may name itself. */
const longestRetryMs = 300_000
/** A server that wants to be asked again at once would have us do nothing else. */
const shortestDelayMs = 50
/** How often in a row a stream may be of no use before it is asked for less often than the server names. */
const mostVain = 2
/** How often in a row it may fail to open again while a call waits for it. */
const mostFailures = 5
/** A stream that was asked for just now is not opened anew on mere doubts. */
const doubtlessMs = 5000
/** An event's id goes into a header; longer ones no server takes. */
const longestId = 4096
/** The server has no such streams, whatever it gave before. */
const final: ReadonlySet<number> = new Set([405, 501])
const conflict = 409

/**
 * An event stream of a server that is opened again where it broke (MCP 2025-11-25, "Resumability and Redelivery"): that
 * of one request, or the one for what the server says unasked, which is not `forRequest` and, once it was open, given
 * up only where the server has forgotten the session or says that it has no such streams.
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
  /** How often in a row it was opened, if so, and brought no message. */
  #silent = 0
  #wasOpen = false
  #isOver = false
  /** It broke, and is to be opened again after a while. */
  #isWaiting = false
  /** When it was asked for last, in milliseconds since 1970: other clocks stand still while the computer sleeps. */
  #askedAt = 0
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
    this.#isWaiting = false
    this.#askedAt = Date.now()
    this.#exchange = this.#host.openGet(this.#lastId, this.#toListener())
  }

  /** Opens it anew, from the last event on, since it is doubtful whether anything can still come on it. */
  reopen(): void {
    if (this.#isOver || this.#isWaiting || Math.abs(Date.now() - this.#askedAt) < doubtlessMs) return
    this.#exchange?.abort()
    this.open()
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
    return readEventStream({
      toReader: () => this.#toReader(),
      onRefused: (trouble, response, body) => {
        this.#exchange?.abort()
        this.#onRefused(trouble, response, body)
      },
      onError: (error) => {
        this.#onBroken(toNetworkTrouble(error))
      },
    })
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
        if (type !== 'message') return
        for (const line of toLines(data)) {
          this.#silent = 0
          onLine(line)
        }
      },
      onId: (id) => {
        this.#lastId = toHeaderValue(id)
      },
      onRetry: (milliseconds) => {
        this.#retryMs = Math.min(milliseconds, longestRetryMs)
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

  #onRefused(trouble: HttpTrouble, { status }: HttpResponse, body: Buffer): void {
    if (this.#isOver) return
    const isPassing = trouble.kind === 'unreachable' || status === conflict
    const isForgotten =
      this.#wasOpen && isSessionForgotten(status, body) && (status !== 404 || this.#host.hasStreams())
    if (isForgotten) this.#host.onExpired()
    // It may not know the event to go on from.
    else if (!this.#forRequest && status === 400) this.#lastId = undefined
    const isKept = isPassing || (!this.#forRequest && this.#wasOpen && !isForgotten && !final.has(status))
    if (isKept) this.#onBroken(trouble)
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
    this.#isWaiting = true
    this.#host.onBroken(trouble)
    this.#brokenBy ??= trouble
    const delay = this.#toDelay(trouble)
    this.#failures += 1
    this.#vain += 1
    this.#silent += 1
    this.#timer = setTimeout(() => {
      if (this.#host.isWanted()) this.open()
      else this.#finish(trouble)
    }, delay)
  }

  /** How long to wait before it is opened again, in milliseconds. */
  #toDelay({ retryAfterMs = 0 }: HttpTrouble): number {
    const named = this.#retryMs ?? toBackOff(this.#vain)
    const atLeast =
      this.#failures > mostVain
        ? toBackOff(this.#failures - mostVain - 1)
        : this.#silent >= mostVain
          ? firstDelayMs
          : shortestDelayMs
    return Math.max(retryAfterMs, named, atLeast)
  }

  /** Whatever is wrong now: what it belongs to was taken by the server when it began. */
  #finish(trouble: HttpTrouble): void {
    // Whoever heard that the session has expired may have closed it.
    if (this.#isOver) return
    this.#isOver = true
    this.#host.onOver({ ...trouble, failure: 'failed' }, this.#wasOpen)
  }
}

function toBackOff(times: number): number {
  return Math.min(firstDelayMs * 2 ** times, longestDelayMs)
}

// eslint-disable-next-line no-control-regex
const unsendable = /[\x00-\x08\x0a-\x1f\x7f]/

/** An id as a header carries it: UTF-8 in bytes (HTML, "The Last-Event-ID header"); nothing where none can. */
function toHeaderValue(id: string): string | undefined {
  const value = Buffer.from(id).toString('latin1')
  return value === '' || value.length > longestId || unsendable.test(value) ? undefined : value
}
