import type { Parts } from '#base/splice.ts'
import type { About, Carrier, CarrierListener } from '../connection/carrier.ts'
import { sayGoodbye } from './farewell.ts'
import type { HttpExchange, HttpListener } from './http-client.ts'
import { sendTo, type HttpTarget, type TargetRequest } from './http-target.ts'
import { isDoubtful, type HttpTrouble } from './http-trouble.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { Outbox, toAskedId } from './outbox.ts'
import { readPost, toFailure } from './post.ts'
import { ServerStream, type StreamHost } from './server-stream.ts'
import { UntakenBytes } from './untaken-bytes.ts'

/** Told when the server refuses the opening in a way that one of the older transport would; returns whether it is seen to. */
export type OnOpeningRefused = (trouble: HttpTrouble, status: number) => boolean

const mostInFlight = 128
const noticeMs = 60_000
/** How long a stream may stay open once the answer has come on it. */
const lingerMs = 5000

/** Speaks Streamable HTTP to a server (MCP 2025-03-26 to 2025-11-25, "Transports"): a POST for each message. */
export class StreamableCarrier implements Carrier {
  readonly #target: HttpTarget
  readonly #listener: CarrierListener
  readonly #onOpeningRefused: OnOpeningRefused
  readonly #exchanges = new OpenExchanges()
  readonly #untaken: UntakenBytes
  /** What ends the wait for each request that is in flight. */
  readonly #requests = new Map<number, () => void>()
  readonly #outbox = new Outbox()
  #phase: 'opening' | 'announcing' | 'open' | 'closed' = 'opening'
  #session: string | undefined
  #revision: string | undefined
  #unasked: ServerStream | undefined
  #isExpired = false
  /** notifications/initialized, while it is under way: nothing else may come before it is taken. */
  #announcement: HttpExchange | undefined

  constructor(target: HttpTarget, listener: CarrierListener, onOpeningRefused: OnOpeningRefused) {
    this.#target = target
    this.#listener = listener
    this.#untaken = new UntakenBytes(listener.onDrained)
    this.#onOpeningRefused = onOpeningRefused
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
    this.#requests.get(request)?.()
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
    while (this.#phase !== 'closed' && this.#announcement === undefined) {
      const next = this.#outbox.takeNext(this.#requests.size < mostInFlight)
      if (next === undefined) return
      const id = toAskedId(next)
      if (id === undefined) this.#tell(next.body)
      else this.#ask(id, next.body)
    }
  }

  #ask(id: number, body: Buffer): void {
    let linger: NodeJS.Timeout | undefined
    let isTaken = false
    const take = (): void => {
      if (!isTaken) this.#untaken.remove(body.length)
      isTaken = true
    }
    const close = (): void => {
      clearTimeout(linger)
      take()
      stream.close()
      this.#exchanges.delete(exchange)
      exchange.abort()
    }
    const free = (): void => {
      if (this.#requests.delete(id)) this.#sendQueued()
    }
    const end = (): void => {
      close()
      free()
    }
    const onLine = (line: Buffer): void => {
      const wasAwaited = this.#listener.isAwaited(id)
      this.#listener.onLine(line, id)
      if (!wasAwaited || this.#listener.isAwaited(id)) return
      linger = setTimeout(close, lingerMs).unref()
      free()
    }
    const stream = this.#createRequestStream(id, onLine, end)
    this.#requests.set(id, end)
    const exchange = this.#send(
      { method: 'POST', body },
      readPost(true, {
        messageBytes: this.#target.messageBytes,
        hasSession: this.#session !== undefined,
        onTaken: (response) => {
          take()
          if (this.#phase === 'opening') this.#session = response.header('mcp-session-id')
        },
        toStreamReader: () => stream.read(),
        onLine,
        onTrouble: (trouble, response, isForgotten) => {
          if (this.#listener.isAwaited(id))
            this.#onRefused(id, { trouble, status: response?.status, isForgotten })
          end()
        },
        onOver: take,
      }),
    )
  }

  /** The stream on which the answer to a request may come, however often it has to be opened again. */
  #createRequestStream(id: number, onLine: (line: Buffer) => void, end: () => void): ServerStream {
    return this.#createStream(true, {
      onLine,
      isWanted: () => this.#phase !== 'closed' && this.#listener.isAwaited(id),
      onOver: (trouble) => {
        if (this.#listener.isAwaited(id))
          this.#onRefused(id, { trouble, status: undefined, isForgotten: false })
        end()
      },
    })
  }

  #createStream(isOfRequest: boolean, own: Pick<StreamHost, 'onLine' | 'isWanted' | 'onOver'>): ServerStream {
    const host = {
      messageBytes: this.#target.messageBytes,
      openGet: this.#openGet,
      onTooLong: this.#listener.onTooLong,
      onBroken: (trouble: HttpTrouble) => {
        if (isDoubtful(trouble)) this.#listener.onDoubtful()
      },
      onExpired: () => {
        this.#expire()
      },
    }
    return new ServerStream({ ...host, ...own }, isOfRequest)
  }

  #tell(body: Buffer): void {
    const isAnnouncement = this.#phase === 'announcing'
    let isTaken = false
    const take = (): void => {
      if (isTaken) return
      isTaken = true
      this.#untaken.remove(body.length)
      if (isAnnouncement) this.#onAnnounced()
    }
    const exchange = this.#send(
      { method: 'POST', body, headersMs: noticeMs },
      readPost(false, {
        messageBytes: this.#target.messageBytes,
        hasSession: this.#session !== undefined,
        onTaken: take,
        toStreamReader: () => {
          throw new TypeError('A notification has no answer.')
        },
        onLine: (line) => {
          this.#listener.onLine(line)
        },
        onTrouble: (trouble, ...[, isForgotten]) => {
          const { reason } = trouble
          this.#target.logger.debug('The server did not take a notification or an answer.', { reason })
          if (isForgotten) this.#expire()
          else if (isDoubtful(trouble)) this.#listener.onDoubtful()
        },
        onOver: () => {
          this.#exchanges.delete(exchange)
          take()
        },
      }),
    )
    if (isAnnouncement) this.#announcement = exchange
  }

  #onAnnounced(): void {
    if (this.#phase === 'closed') return
    this.#announcement = undefined
    this.#phase = 'open'
    this.#unasked = this.#createUnaskedStream()
    this.#unasked.open()
    this.#sendQueued()
  }

  /** What the server says unasked comes on a stream of its own, where it has one. */
  #createUnaskedStream(): ServerStream {
    return this.#createStream(false, {
      onLine: (line) => {
        this.#listener.onLine(line)
      },
      isWanted: () => this.#phase !== 'closed',
      onOver: ({ reason }, wasOpen) => {
        const level = wasOpen ? 'info' : 'debug'
        this.#target.logger[level]('The server has no stream for what it says unasked.', { reason })
      },
    })
  }

  readonly #openGet = (lastEventId: string | undefined, listener: HttpListener): HttpExchange => {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    }
    return this.#send({ method: 'GET', headers }, listener)
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
    const exchange = sendTo(
      this.#target,
      { ...request, headers },
      {
        ...listener,
        onEnd: () => {
          this.#exchanges.delete(exchange)
          listener.onEnd()
        },
        onError: (error) => {
          this.#exchanges.delete(exchange)
          listener.onError(error)
        },
      },
    )
    this.#exchanges.add(exchange)
    return exchange
  }

  #onRefused(
    id: number,
    {
      trouble,
      status,
      isForgotten,
    }: { trouble: HttpTrouble; status: number | undefined; isForgotten: boolean },
  ): void {
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
    for (const end of this.#requests.values()) end()
    this.#exchanges.abortAll()
  }
}
