import type { Parts } from '#base/splice.ts'
import type { About, Carrier, CarrierListener } from '../connection/carrier.ts'
import { sayGoodbye } from './farewell.ts'
import type { HttpExchange, HttpListener } from './http-client.ts'
import { isEventStream } from './event-stream-response.ts'
import { sendTo, type HttpTarget, type TargetRequest } from './http-target.ts'
import { isDoubtful, type HttpTrouble } from './http-trouble.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { Outbox, toAskedId } from './outbox.ts'
import { toFailure, type PostTrouble } from './post.ts'
import { noticeMs, postNotice } from './posted-notice.ts'
import { PostedRequest, type RequestHost } from './posted-request.ts'
import { ServerStream } from './server-stream.ts'
import { UntakenBytes } from './untaken-bytes.ts'

/** Told when the server refuses the opening in a way that one of the older transport would; returns whether it is seen to. */
export type OnOpeningRefused = (trouble: HttpTrouble, status: number) => boolean

/** How many streams may be open on which nothing is awaited any more. */
const mostLingering = 256

/** Speaks Streamable HTTP to a server (MCP 2025-03-26 to 2025-11-25, "Transports"): a POST for each message. */
export class StreamableCarrier implements Carrier {
  readonly #target: HttpTarget
  readonly #listener: CarrierListener
  readonly #onOpeningRefused: OnOpeningRefused
  readonly #exchanges = new OpenExchanges()
  readonly #untaken: UntakenBytes
  readonly #requestHost: RequestHost
  /** Those that hold a place, and those whose streams are open though nothing is awaited on them any more. */
  readonly #inFlight = new Map<number, PostedRequest>()
  readonly #lingering = new Map<number, PostedRequest>()
  readonly #outbox = new Outbox()
  #phase: 'opening' | 'announcing' | 'open' | 'closed' = 'opening'
  #session: string | undefined
  #revision: string | undefined
  #unasked: ServerStream | undefined
  #isExpired = false
  /** notifications/initialized is under way: nothing else may come before it is taken. */
  #isAnnouncing = false
  #isSending = false
  /** Whether the server has ever given a stream that it was asked for. */
  #hasStreams = false

  constructor(target: HttpTarget, listener: CarrierListener, onOpeningRefused: OnOpeningRefused) {
    this.#target = target
    this.#listener = listener
    this.#untaken = new UntakenBytes(listener.onDrained)
    this.#onOpeningRefused = onOpeningRefused
    this.#requestHost = this.#createRequestHost()
  }

  get isCongested(): boolean {
    return this.#untaken.isCongested
  }

  send(parts: Parts, about?: About): void {
    if (this.#phase === 'closed') return
    const [only] = parts
    const body = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
    if (about !== undefined && 'cancels' in about && this.#takeUnsent(about.cancels)) return
    this.#untaken.add(body.length)
    this.#outbox.add({ body, about })
    this.#sendQueued()
  }

  setRevision(revision: string): void {
    this.#revision = revision
    if (this.#phase === 'opening') this.#phase = 'announcing'
  }

  forget(request: number): void {
    this.#takeUnsent(request)
    this.#inFlight.get(request)?.end()
    this.#lingering.get(request)?.end()
  }

  checkNow(): void {
    this.#unasked?.reopen()
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

  async stop(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#endAll()
    if (this.#session === undefined || this.#isExpired) return
    await sayGoodbye((listener) => this.#send({ method: 'DELETE' }, listener))
  }

  /** Takes a request back that was not sent yet; returns whether that was so. */
  #takeUnsent(request: number): boolean {
    const unsent = this.#outbox.takeRequest(request)
    if (unsent !== undefined) this.#untaken.remove(unsent.body.length)
    return unsent !== undefined
  }

  #sendQueued(): void {
    // What is sent may make room for more.
    if (this.#isSending) return
    this.#isSending = true
    while (this.#phase !== 'closed' && !this.#isAnnouncing) {
      if (this.#outbox.isBlocked(this.#inFlight.size)) this.#makeRoom()
      const next = this.#outbox.takeNext(this.#inFlight.size)
      if (next === undefined) break
      const id = toAskedId(next)
      if (id === undefined) this.#tell(next.body)
      else this.#inFlight.set(id, new PostedRequest(id, next.body, this.#requestHost))
    }
    this.#isSending = false
  }

  /** Requests that were taken back, or answered elsewhere, leave their places to others. */
  #makeRoom(): void {
    for (const request of this.#inFlight.values()) if (!request.isAwaited) request.linger()
  }

  #createRequestHost(): RequestHost {
    const { messageBytes } = this.#target
    return {
      ...this.#createStreamHost(),
      messageBytes,
      hasSession: () => this.#session !== undefined,
      isAwaited: (id) => this.#phase !== 'closed' && this.#listener.isAwaited(id),
      post: (body, listener) => this.#send({ method: 'POST', body }, listener),
      onAnswering: (response) => {
        if (this.#phase === 'opening') this.#session = response.header('mcp-session-id')
      },
      onTaken: (bytes) => {
        this.#untaken.remove(bytes)
      },
      onLine: this.#onLine,
      onRefused: (id, trouble) => {
        this.#onRefused(id, trouble)
      },
      onLingering: (request) => {
        this.#inFlight.delete(request.id)
        this.#lingering.set(request.id, request)
        if (this.#lingering.size > mostLingering) this.#lingering.values().next().value?.end()
        this.#sendQueued()
      },
      onOver: (request) => {
        this.#inFlight.delete(request.id)
        this.#lingering.delete(request.id)
        this.#sendQueued()
      },
    }
  }

  #createStreamHost(): Pick<RequestHost, 'openGet' | 'onTooLong' | 'hasStreams' | 'onBroken' | 'onExpired'> {
    return {
      openGet: this.#openGet,
      onTooLong: this.#listener.onTooLong,
      hasStreams: () => this.#hasStreams,
      onBroken: (trouble: HttpTrouble) => {
        if (isDoubtful(trouble)) this.#listener.onDoubtful()
      },
      onExpired: () => {
        this.#expire()
      },
    }
  }

  readonly #onLine = (line: Buffer, id?: number): void => {
    this.#listener.onLine(line, id)
    // It may have answered a request that holds a place elsewhere.
    if (this.#outbox.isBlocked(this.#inFlight.size)) this.#sendQueued()
  }

  #tell(body: Buffer): void {
    const isAnnouncement = this.#phase === 'announcing'
    this.#isAnnouncing = isAnnouncement
    postNotice({
      messageBytes: this.#target.messageBytes,
      hasSession: this.#session !== undefined,
      send: (listener) => this.#send({ method: 'POST', body, headersMs: noticeMs }, listener),
      onLine: this.#onLine,
      onRefused: ({ trouble, isForgotten }) => {
        const { reason } = trouble
        this.#target.logger.debug('The server did not take a notification or an answer.', { reason })
        if (isForgotten) this.#expire()
        else if (isDoubtful(trouble)) this.#listener.onDoubtful()
      },
      onSettled: () => {
        this.#untaken.remove(body.length)
        if (isAnnouncement) this.#onAnnounced()
      },
    })
  }

  #onAnnounced(): void {
    if (this.#phase === 'closed') return
    this.#isAnnouncing = false
    this.#phase = 'open'
    this.#unasked = this.#createUnaskedStream()
    this.#unasked.open()
    this.#sendQueued()
  }

  /** What the server says unasked comes on a stream of its own, where it has one. */
  #createUnaskedStream(): ServerStream {
    const host = {
      ...this.#createStreamHost(),
      messageBytes: this.#target.messageBytes,
      onLine: this.#onLine,
      isWanted: () => this.#phase !== 'closed',
      onOver: ({ reason }: HttpTrouble, wasOpen: boolean) => {
        const level = wasOpen ? 'info' : 'debug'
        this.#target.logger[level]('The server has no stream for what it says unasked.', { reason })
      },
    }
    return new ServerStream(host, false)
  }

  readonly #openGet = (lastEventId: string | undefined, listener: HttpListener): HttpExchange => {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    }
    const noting: HttpListener = {
      ...listener,
      onResponse: (response) => {
        this.#hasStreams ||= isEventStream(response)
        listener.onResponse(response)
      },
    }
    return this.#send({ method: 'GET', headers }, noting)
  }

  /** Sends a request of HTTP and keeps it in the books until it is over. */
  #send(request: TargetRequest, listener: HttpListener): HttpExchange {
    const posted = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
    const headers = {
      ...(request.method === 'POST' ? posted : {}),
      ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session }),
      ...(this.#revision === undefined ? {} : { 'mcp-protocol-version': this.#revision }),
      ...request.headers,
    }
    return this.#exchanges.start(
      (tracked) => sendTo(this.#target, { ...request, headers }, tracked),
      listener,
    )
  }

  #onRefused(id: number, { trouble, status, isForgotten }: PostTrouble): void {
    if (this.#phase === 'closed') return
    if (this.#phase === 'opening') {
      if (status !== undefined && this.#onOpeningRefused(trouble, status)) this.#phase = 'closed'
      else this.#close(trouble)
      return
    }
    if (isForgotten) {
      this.#expire()
      this.#listener.onRequestFailed(id, {
        kind: 'expired',
        reason: 'the server has forgotten the session',
        isOfServer: true,
      })
      return
    }
    this.#fail(id, trouble)
  }

  #fail(id: number, trouble: HttpTrouble): void {
    if (isDoubtful(trouble)) this.#listener.onDoubtful()
    this.#listener.onRequestFailed(id, toFailure(trouble))
  }

  #expire(): void {
    if (this.#isExpired || this.#phase === 'closed') return
    this.#isExpired = true
    this.#unasked?.close()
    this.#listener.onExpired()
  }

  #close(trouble: HttpTrouble): void {
    this.#phase = 'closed'
    this.#endAll()
    const { kind, reason, retryAfterMs } = trouble
    this.#listener.onClosed({ kind, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
  }

  #endAll(): void {
    this.#unasked?.close()
    for (const request of [...this.#inFlight.values(), ...this.#lingering.values()]) request.end()
    this.#exchanges.abortAll()
  }
}
