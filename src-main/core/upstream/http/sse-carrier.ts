import { EventStreamReader } from '#base/event-stream.ts'
import type { Parts } from '#base/splice.ts'
import type { About, Carrier, CarrierListener } from '../connection/carrier.ts'
import { readEventStream } from './event-stream-response.ts'
import type { HttpListener } from './http-client.ts'
import { sendTo, type HttpTarget } from './http-target.ts'
import { isDoubtful, toLines, toNetworkTrouble, type HttpTrouble } from './http-trouble.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { Outbox, toAskedId, type Outgoing } from './outbox.ts'
import { toFailure, type PostTrouble } from './post.ts'
import { noticeMs, postNotice } from './posted-notice.ts'
import { UntakenBytes } from './untaken-bytes.ts'

const notFound = 404

/**
 * Speaks HTTP+SSE to a server (MCP 2024-11-05, "Transports"): all of its messages come on one stream, whose first event
 * tells where ours are posted to. The stream is the session: when it ends, that is over.
 */
export class SseCarrier implements Carrier {
  readonly #target: HttpTarget
  readonly #listener: CarrierListener
  readonly #exchanges = new OpenExchanges()
  readonly #untaken: UntakenBytes
  readonly #outbox = new Outbox()
  /** Requests that were posted, and that the server has not taken yet. */
  readonly #untakenRequests = new Set<Outgoing>()
  #endpoint: URL | undefined
  #endpointTimer: NodeJS.Timeout | undefined
  #revision: string | undefined
  #phase: 'opening' | 'announcing' | 'open' | 'closed' = 'opening'
  /** notifications/initialized is under way: nothing else may come before it is taken. */
  #isAnnouncing = false
  #isExpired = false

  /** `endpointMs` is how long the server may take to tell where to post to; for as long as it takes when left out. */
  constructor(target: HttpTarget, listener: CarrierListener, endpointMs?: number) {
    this.#target = target
    this.#listener = listener
    this.#untaken = new UntakenBytes(listener.onDrained)
    if (endpointMs !== undefined) {
      this.#endpointTimer = setTimeout(() => {
        const reason = 'it did not tell in time where messages are to be sent'
        this.#close({ reason, kind: 'lost', failure: 'failed' })
      }, endpointMs)
    }
    this.#open()
  }

  get isCongested(): boolean {
    return this.#untaken.isCongested
  }

  send(parts: Parts, about?: About): void {
    if (this.#phase === 'closed') return
    if (about !== undefined && 'cancels' in about && this.#takeUnsent(about.cancels)) return
    const body = Buffer.concat(parts)
    this.#untaken.add(body.length)
    this.#outbox.add({ body, about })
    this.#sendQueued()
  }

  setRevision(revision: string): void {
    this.#revision = revision
    if (this.#phase === 'opening') this.#phase = 'announcing'
  }

  /** What belongs to a request that was sent comes on the one stream that there is. */
  forget(request: number): void {
    if (!this.#takeUnsent(request)) this.#sendQueued()
  }

  checkNow(): void {
    // The stream is the session: whether it still is shows by what comes on it.
  }

  holdReading(): void {
    this.#exchanges.hold()
  }

  releaseReading(): void {
    this.#exchanges.release()
  }

  isSuspended(): Promise<boolean> {
    return Promise.resolve(false)
  }

  stop(): Promise<void> {
    this.#end()
    return Promise.resolve()
  }

  /** Takes a request back that was not sent yet; returns whether that was so. */
  #takeUnsent(request: number): boolean {
    const unsent = this.#outbox.takeRequest(request)
    if (unsent !== undefined) this.#untaken.remove(unsent.body.length)
    return unsent !== undefined
  }

  #open(): void {
    const listener = readEventStream({
      toReader: () => this.#createReader(),
      onRefused: (trouble) => {
        this.#close(trouble)
      },
      onError: (error) => {
        this.#close(toNetworkTrouble(error))
      },
    })
    const request = { method: 'GET', headers: { accept: 'text/event-stream' } } as const
    this.#exchanges.start((tracked) => sendTo(this.#target, request, tracked), listener)
  }

  #createReader(): HttpListener {
    const reader = new EventStreamReader({
      maxBytes: this.#target.messageBytes,
      onEvent: ({ type, data }) => {
        if (type === 'endpoint') this.#onEndpoint(data.toString().trim())
        else if (type === 'message') this.#onMessages(data)
      },
      onId: () => undefined,
      onRetry: () => undefined,
      onTooLong: this.#listener.onTooLong,
    })
    return {
      onResponse: () => undefined,
      onData: (chunk) => {
        if (this.#phase !== 'closed') reader.push(chunk)
      },
      onEnd: () => {
        this.#close({ reason: 'it ended its event stream', kind: 'lost', failure: 'failed' })
      },
      onError: (error) => {
        this.#close(toNetworkTrouble(error))
      },
    }
  }

  /** Headers of ours go with every message: they are for the server whose address is configured, and no other. */
  #onEndpoint(text: string): void {
    clearTimeout(this.#endpointTimer)
    const base = this.#target.url
    const endpoint = URL.canParse(text, base) ? new URL(text, base) : undefined
    if (endpoint === undefined || endpoint.origin !== new URL(base).origin) {
      const reason = 'it wants messages to be sent to another address than its own'
      this.#close({ reason, kind: 'refused', failure: 'refused' })
      return
    }
    this.#endpoint = endpoint
    this.#sendQueued()
  }

  #onMessages(data: Buffer): void {
    for (const line of toLines(data)) this.#listener.onLine(line)
    // Some servers acknowledge a request only after its answer.
    if (this.#outbox.isBlocked(this.#untakenRequests.size)) this.#sendQueued()
  }

  #sendQueued(): void {
    while (this.#endpoint !== undefined && this.#phase !== 'closed' && !this.#isAnnouncing) {
      if (this.#outbox.isBlocked(this.#untakenRequests.size)) this.#makeRoom()
      const next = this.#outbox.takeNext(this.#untakenRequests.size)
      if (next === undefined) return
      this.#post(this.#endpoint, next)
    }
  }

  /** Requests that were taken back, or are answered, leave their places to others. */
  #makeRoom(): void {
    for (const message of this.#untakenRequests) {
      const id = toAskedId(message)
      if (id !== undefined && !this.#listener.isAwaited(id)) this.#untakenRequests.delete(message)
    }
  }

  #post(url: URL, message: Outgoing): void {
    const { body } = message
    const id = toAskedId(message)
    const isAnnouncement = this.#phase === 'announcing' && id === undefined
    this.#isAnnouncing = isAnnouncement
    if (id !== undefined) this.#untakenRequests.add(message)
    const headers = {
      'content-type': 'application/json',
      ...(this.#revision === undefined ? {} : { 'mcp-protocol-version': this.#revision }),
    }
    const request = { method: 'POST', url, headers, body, headersMs: noticeMs } as const
    postNotice({
      messageBytes: this.#target.messageBytes,
      hasSession: this.#revision !== undefined,
      send: (listener) =>
        this.#exchanges.start((tracked) => sendTo(this.#target, request, tracked), listener),
      // The answer is an acknowledgement; some servers say it in JSON that is no message.
      onLine: () => undefined,
      onRefused: (trouble) => {
        this.#onRefused(id, trouble)
      },
      onSettled: () => {
        this.#untakenRequests.delete(message)
        this.#untaken.remove(body.length)
        if (isAnnouncement) {
          this.#isAnnouncing = false
          if (this.#phase === 'announcing') this.#phase = 'open'
        }
        this.#sendQueued()
      },
    })
  }

  #onRefused(id: number | undefined, { trouble, status, isForgotten }: PostTrouble): void {
    if (this.#phase === 'closed') return
    if (this.#revision === undefined) {
      this.#close(trouble)
      return
    }
    // The address is that of the session: where there is nothing, that is gone, whatever becomes of the stream.
    const isExpired = isForgotten && status === notFound
    if (isDoubtful(trouble)) this.#listener.onDoubtful()
    if (isExpired) this.#expire()
    if (id !== undefined && this.#listener.isAwaited(id)) {
      const failure = toFailure(trouble)
      this.#listener.onRequestFailed(
        id,
        isExpired ? { ...failure, kind: 'expired', isOfServer: true } : failure,
      )
    } else
      this.#target.logger.debug('The server did not take a notification or an answer.', {
        reason: trouble.reason,
      })
  }

  #expire(): void {
    if (this.#isExpired) return
    this.#isExpired = true
    this.#listener.onExpired()
  }

  #close({ kind, reason, retryAfterMs }: HttpTrouble): void {
    if (this.#phase === 'closed') return
    this.#end()
    this.#listener.onClosed({ kind, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
  }

  #end(): void {
    this.#phase = 'closed'
    clearTimeout(this.#endpointTimer)
    this.#exchanges.abortAll()
  }
}
