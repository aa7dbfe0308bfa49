import type { HttpExchange, HttpListener, HttpResponse } from './http-client.ts'
import { readPost, type PostTrouble } from './post.ts'
import { ServerStream, type StreamHost } from './server-stream.ts'

/** What a posted request asks of the session that it belongs to. */
export interface RequestHost extends Omit<StreamHost, 'onLine' | 'isWanted' | 'onOver'> {
  readonly hasSession: () => boolean
  /** Whether it still waits for its answer. */
  readonly isAwaited: (request: number) => boolean
  readonly post: (body: Buffer, listener: HttpListener) => HttpExchange
  /** The server has begun to answer. */
  readonly onAnswering: (response: HttpResponse) => void
  /** Its body is gone, or is not wanted any more. */
  readonly onTaken: (bytes: number) => void
  readonly onLine: (line: Buffer, request: number) => void
  /** It waits for an answer that will not come. */
  readonly onRefused: (request: number, trouble: PostTrouble) => void
  /** It is not awaited any more, though its stream is still open. */
  readonly onLingering: (request: PostedRequest) => void
  /** Once, and last: nothing is left of it. */
  readonly onOver: (request: PostedRequest) => void
}

/** How long a stream may stay open once nothing is awaited from it. */
const lingerMs = 5000

/** A request that is posted, with the stream on which its answer may come, however often that has to be opened again. */
export class PostedRequest {
  readonly id: number
  readonly #bytes: number
  readonly #host: RequestHost
  readonly #stream: ServerStream
  readonly #exchange: HttpExchange
  #isTaken = false
  #phase: 'awaited' | 'lingering' | 'over' = 'awaited'
  #timer: NodeJS.Timeout | undefined

  /** Posts it. */
  constructor(id: number, body: Buffer, host: RequestHost) {
    this.id = id
    this.#bytes = body.length
    this.#host = host
    this.#stream = this.#createStream()
    this.#exchange = this.#post(body)
  }

  get isAwaited(): boolean {
    return this.#phase === 'awaited' && this.#host.isAwaited(this.id)
  }

  /** Nothing is awaited from it any more: what still comes is heard for a while. */
  linger(): void {
    if (this.#phase !== 'awaited') return
    this.#phase = 'lingering'
    this.#timer = setTimeout(() => {
      this.end()
    }, lingerMs).unref()
    this.#host.onLingering(this)
  }

  /** Ends all that there is of it. */
  end(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    clearTimeout(this.#timer)
    this.#take()
    this.#stream.close()
    this.#exchange.abort()
    this.#host.onOver(this)
  }

  #post(body: Buffer): HttpExchange {
    const host = this.#host
    const listener = readPost(this.id, {
      messageBytes: host.messageBytes,
      hasSession: host.hasSession(),
      onTaken: (response) => {
        this.#take()
        host.onAnswering(response)
      },
      toStreamReader: () => this.#stream.read(),
      onLine: this.#onLine,
      onTrouble: (trouble) => {
        this.#fail(trouble)
      },
      onOver: () => {
        this.#take()
      },
    })
    return host.post(body, listener)
  }

  #createStream(): ServerStream {
    const { messageBytes, openGet, hasStreams, onBroken, onExpired } = this.#host
    const host: StreamHost = {
      ...{ messageBytes, openGet, hasStreams, onBroken, onExpired },
      onLine: this.#onLine,
      onTooLong: (first, last) => {
        this.#onTooLong(first, last)
      },
      isWanted: () => this.isAwaited,
      onOver: (trouble) => {
        this.#fail({ trouble, status: undefined, isForgotten: false })
      },
    }
    return new ServerStream(host, true)
  }

  readonly #onLine = (line: Buffer): void => {
    this.#host.onLine(line, this.id)
    if (!this.isAwaited) this.linger()
  }

  #onTooLong(first: Buffer, last: Buffer): void {
    this.#host.onTooLong(first, last)
    if (!this.isAwaited) this.linger()
    else if (isOutcome(first)) {
      const reason = 'its answer is longer than limits.messageBytes allows'
      const trouble = { reason, kind: 'lost', failure: 'failed', isOfServer: true } as const
      this.#fail({ trouble, status: undefined, isForgotten: false })
    }
  }

  #fail(trouble: PostTrouble): void {
    if (this.isAwaited) this.#host.onRefused(this.id, trouble)
    this.end()
  }

  #take(): void {
    if (this.#isTaken) return
    this.#isTaken = true
    this.#host.onTaken(this.#bytes)
  }
}

const outcomeFirst = /^\s*\{\s*(?:"(?:jsonrpc|id)"\s*:\s*(?:\d+|"[^"\\]*")\s*,\s*)*"(?:result|error)"/

/** Whether a message of which only the beginning is there is an answer. */
function isOutcome(first: Buffer): boolean {
  return outcomeFirst.test(first.toString('latin1'))
}
