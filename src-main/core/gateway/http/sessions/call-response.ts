import type { Parts } from '#base/splice.ts'
import {
  joinParts,
  sendJson,
  sendRefusal,
  toJsonHeaders,
  toRpcBody,
  type Refusal,
  type Reply,
} from '../answers.ts'
import { keepAliveMs, sendEmptyStream } from '../streams/event-stream.ts'
import type { Outflow } from '../streams/outflow.ts'
import type { ResumableStream } from '../streams/resumable-stream.ts'
import { ResponseWriter } from '../streams/response-writer.ts'

/** What the response to a request needs. */
export interface CallOptions {
  /** The key of the request. */
  readonly call: string
  readonly reply: Reply
  readonly outflow: Outflow
  /** Makes a stream of the response. */
  readonly openStream: (reply: Reply) => ResumableStream
  /** The client went before there was anything that it could ask for again. */
  readonly onLost: () => void
}

const writtenAtOnceBytes = 64 * 1024

/** The response to one request: JSON where nothing has to go before the answer, else a stream of events. */
export class CallResponse {
  readonly #options: CallOptions
  readonly #timer: NodeJS.Timeout
  #stream: ResumableStream | undefined
  #state: 'waiting' | 'lost' | 'over' = 'waiting'

  constructor(options: CallOptions) {
    this.#options = options
    // Whoever waits longer is told now and then that we are there.
    this.#timer = setTimeout(() => {
      this.#stream ??= options.openStream(options.reply)
    }, keepAliveMs)
    this.#timer.unref()
    options.reply.response.on('close', this.#onClosed)
  }

  /** Sends what belongs to the call before its answer. False: the client is gone, and cannot ask for it. */
  send(message: Parts): boolean {
    if (this.#state !== 'waiting') return false
    clearTimeout(this.#timer)
    this.#stream ??= this.#options.openStream(this.#options.reply)
    this.#stream.send(message)
    return true
  }

  /** Sends the answer, with these headers besides if they can still be sent. */
  answer(message: Parts, headers: readonly string[] = []): void {
    if (!this.#finish()) return
    if (this.#stream !== undefined) {
      this.#stream.send(message)
      this.#stream.finish()
      return
    }
    const { reply, outflow } = this.#options
    const bytes = message.reduce((sum, part) => sum + part.length, 0)
    if (bytes <= writtenAtOnceBytes) {
      sendJson({ ...reply, headers: [...reply.headers, ...headers] }, 200, joinParts(message))
      return
    }
    reply.response.writeHead(200, [...reply.headers, ...headers, ...toJsonHeaders(bytes)])
    const writer = new ResponseWriter(reply.response, outflow)
    writer.write(message)
    writer.end()
  }

  /** There will be no answer. */
  end(): void {
    if (!this.#finish()) return
    if (this.#stream !== undefined) {
      this.#stream.forget()
      return
    }
    sendEmptyStream(this.#options.reply)
  }

  /** Leaves it to others to answer. */
  abandon(): void {
    this.#finish()
    this.#stream?.forget()
  }

  /** Tells why there will be no answer, where that can be told. */
  refuse(refusal: Refusal): void {
    if (!this.#finish()) return
    if (this.#stream === undefined) {
      const { call, reply } = this.#options
      sendRefusal(reply, refusal, toRpcBody(refusal, toId(call)))
    } else this.#stream.forget()
  }

  /** Whether there is still somebody to answer to. */
  #finish(): boolean {
    clearTimeout(this.#timer)
    const isWaiting = this.#state === 'waiting'
    this.#state = 'over'
    return isWaiting
  }

  readonly #onClosed = (): void => {
    if (this.#state !== 'waiting' || this.#stream !== undefined) return
    this.#state = 'lost'
    clearTimeout(this.#timer)
    this.#options.onLost()
  }
}

/** The id that a key was made of, as JSON. */
function toId(key: string): string {
  return key.startsWith('"') ? JSON.stringify(key.slice(1)) : key
}
