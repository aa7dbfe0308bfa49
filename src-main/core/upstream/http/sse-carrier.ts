import { EventStreamReader } from '#base/event-stream.ts'
import type { Parts } from '#base/splice.ts'
import type { About, Carrier, CarrierListener } from '../connection/carrier.ts'
import { BodyReader } from './body-reader.ts'
import type { HttpListener, HttpResponse } from './http-client.ts'
import { sendTo, type HttpTarget } from './http-target.ts'
import {
  isDoubtful,
  toFormTrouble,
  toLines,
  toMediaType,
  toNetworkTrouble,
  toStatusTrouble,
  type HttpTrouble,
} from './http-trouble.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { Outbox, toAskedId, type Outgoing } from './outbox.ts'
import { readPost, toFailure } from './post.ts'
import { UntakenBytes } from './untaken-bytes.ts'

const noticeMs = 60_000
const errorBytes = 64 * 1024

/**
 * Speaks HTTP+SSE to a server (MCP 2024-11-05, "Transports"): all of its messages come on one stream, whose first event
 * tells where ours are posted to. The stream is the session: when it ends, that is over.
 */
export class SseCarrier implements Carrier {
  readonly #target: HttpTarget
  readonly #listener: CarrierListener
  readonly #exchanges = new OpenExchanges()
  readonly #untaken: UntakenBytes
  /** What waits for the address to post to. */
  readonly #waiting = new Outbox()
  #endpoint: URL | undefined
  #revision: string | undefined
  #isClosed = false

  constructor(target: HttpTarget, listener: CarrierListener) {
    this.#target = target
    this.#listener = listener
    this.#untaken = new UntakenBytes(listener.onDrained)
    this.#open()
  }

  get isCongested(): boolean {
    return this.#untaken.isCongested
  }

  send(parts: Parts, about?: About): void {
    if (this.#isClosed) return
    const message = { body: Buffer.concat(parts), about }
    if (this.#endpoint === undefined) this.#waiting.add(message)
    else this.#post(this.#endpoint, message)
  }

  setRevision(revision: string): void {
    this.#revision = revision
  }

  /** What belongs to a request comes on the one stream that there is. */
  forget(): void {
    // Nothing is kept for a request.
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
    this.#isClosed = true
    this.#exchanges.abortAll()
    return Promise.resolve()
  }

  #open(): void {
    const body = new BodyReader(errorBytes)
    let reader: EventStreamReader | undefined
    let refused: HttpResponse | undefined
    const listener: HttpListener = {
      onResponse: (response) => {
        const isStream = toMediaType(response.header('content-type')) === 'text/event-stream'
        if (response.status === 200 && isStream) reader = this.#createReader()
        else refused = response
      },
      onData: (chunk) => {
        if (reader === undefined) body.push(chunk)
        else if (!this.#isClosed) reader.push(chunk)
      },
      onEnd: () => {
        if (refused === undefined)
          this.#close({ reason: 'it ended its event stream', kind: 'lost', failure: 'failed' })
        else
          this.#close(refused.status >= 400 ? toStatusTrouble(refused, body.take()) : toFormTrouble(refused))
      },
      onError: (error) => {
        this.#close(toNetworkTrouble(error))
      },
    }
    const headers = { accept: 'text/event-stream' }
    this.#exchanges.add(sendTo(this.#target, { method: 'GET', headers }, listener))
  }

  #createReader(): EventStreamReader {
    return new EventStreamReader({
      maxBytes: this.#target.messageBytes,
      onEvent: ({ type, data }) => {
        if (type === 'endpoint') this.#onEndpoint(data.toString().trim())
        else if (type === 'message') for (const line of toLines(data)) this.#listener.onLine(line)
      },
      onId: () => undefined,
      onRetry: () => undefined,
      onTooLong: this.#listener.onTooLong,
    })
  }

  /** Headers of ours go with every message: they are for the server whose address is configured, and no other. */
  #onEndpoint(text: string): void {
    const base = this.#target.url
    const endpoint = URL.canParse(text, base) ? new URL(text, base) : undefined
    if (endpoint === undefined || endpoint.origin !== new URL(base).origin) {
      const reason = 'it wants messages to be sent to another address than its own'
      this.#close({ reason, kind: 'refused', failure: 'refused' })
      return
    }
    this.#endpoint = endpoint
    for (const message of this.#waiting.takeAll()) this.#post(endpoint, message)
  }

  #post(url: URL, message: Outgoing): void {
    const { body } = message
    const id = toAskedId(message)
    this.#untaken.add(body.length)
    const headers = {
      'content-type': 'application/json',
      ...(this.#revision === undefined ? {} : { 'mcp-protocol-version': this.#revision }),
    }
    const listener = readPost(false, {
      messageBytes: this.#target.messageBytes,
      hasSession: false,
      onTaken: () => undefined,
      toStreamReader: () => {
        throw new TypeError('What is posted has no answer of its own.')
      },
      // The answer is an acknowledgement; some servers say it in JSON that is no message.
      onLine: () => undefined,
      onTrouble: (trouble) => {
        this.#onRefused(id, trouble)
      },
      onOver: () => {
        this.#untaken.remove(body.length)
        this.#exchanges.delete(exchange)
      },
    })
    const request = { method: 'POST', url, headers, body, headersMs: noticeMs } as const
    const exchange = sendTo(this.#target, request, listener)
    this.#exchanges.add(exchange)
  }

  #onRefused(id: number | undefined, trouble: HttpTrouble): void {
    if (this.#isClosed) return
    if (this.#revision === undefined) {
      this.#close(trouble)
      return
    }
    if (isDoubtful(trouble)) this.#listener.onDoubtful()
    if (id !== undefined && this.#listener.isAwaited(id))
      this.#listener.onRequestFailed(id, toFailure(trouble))
    else
      this.#target.logger.debug('The server did not take a notification or an answer.', {
        reason: trouble.reason,
      })
  }

  #close({ kind, reason, retryAfterMs }: HttpTrouble): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#exchanges.abortAll()
    this.#listener.onClosed({ kind, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
  }
}
