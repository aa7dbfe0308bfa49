import {
  bytesAt,
  errorLine,
  parseMessage,
  requestLine,
  rpcCodes,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#base/json-rpc.ts'
import { findAnsweredId, findQuestionId } from '#base/json-edges.ts'
import { shortenQuotations } from '#base/plain-text.ts'
import type { Parts } from '#base/splice.ts'
import type { Logger } from '../../observe/logger.ts'
import type { ServerOutput } from '../../observe/server-output.ts'
import type { About, Carrier, CarrierEnd, CarrierListener, RequestFailure } from './carrier.ts'
import { startHandshake, type Handshake } from './handshake.ts'
import { readCapabilities } from '../lists/known-server.ts'
import { PendingRequests } from './pending-requests.ts'

/** What a server sends of its own accord, and when it can be written to again. */
export interface ConnectionListener {
  /** `cause` is the id of the request of ours whose stream brought it, where each has a stream of its own. */
  readonly onRequest: (connection: Connection, request: RpcRequest, cause?: number) => void
  readonly onNotification: (connection: Connection, notification: RpcNotification, cause?: number) => void
  readonly onDrained: (connection: Connection) => void
  /** Something makes it doubtful that the server is still there. */
  readonly onDoubtful: (connection: Connection) => void
  /** The server has forgotten the session: nothing new can be sent, what is in flight may still come to its end. */
  readonly onExpired: (connection: Connection) => void
  /** Once; after it every request in flight is told. */
  readonly onClosed: (connection: Connection, reason: string) => void
}

/** How a connection gets its carrier and how long its opening may take. */
export interface ConnectionOptions {
  readonly openCarrier: (listener: CarrierListener) => Carrier
  readonly connectMs: number
  /** Takes lines that are no messages. */
  readonly output: Pick<ServerOutput, 'add' | 'redact'>
  readonly logger: Logger
}

const mostEarlyBytes = 1024 * 1024
const mostUnreadReplyBytes = 1024 * 1024

/** One life of a session with a server: from starting it to its end. */
export class Connection {
  readonly requests = new PendingRequests(1, (id) => {
    this.#carrier.forget(id)
  })
  /** Settles when the session is open; rejects with a sentence that completes "… because". */
  readonly opened: Promise<void>
  readonly #carrier: Carrier
  readonly #logger: Logger
  readonly #listener: ConnectionListener
  readonly #handshake: Handshake
  readonly #output: ConnectionOptions['output']
  readonly #failOpening: (error: Error) => void
  /** What came before the session was open and the listener had heard of it. */
  #early: { readonly line: Buffer; readonly cause: number | undefined }[] | undefined = []
  #earlyBytes = 0
  /** Bytes of our own answers that wait for a server that does not read. */
  #unreadReplyBytes = 0
  #initialize: Buffer = Buffer.from('{}')
  #capabilities: ReadonlySet<string> = new Set()
  #lastHeard = performance.now()
  #holds = 0
  #closedReason: string | undefined
  #end: CarrierEnd | undefined
  #hasServed = false
  #hasToldRefusal = false

  constructor({ openCarrier, connectMs, output, logger }: ConnectionOptions, listener: ConnectionListener) {
    this.#logger = logger
    this.#output = output
    this.#listener = listener
    let onOpened: (initialize: Buffer) => void = () => undefined
    let onFailed: (error: Error) => void = () => undefined
    this.opened = new Promise<Buffer>((resolve, reject) => {
      onOpened = resolve
      onFailed = reject
    }).then((initialize) => {
      this.#onOpened(initialize)
    })
    this.#failOpening = onFailed
    this.#carrier = openCarrier({
      isAwaited: (id) =>
        this.#early === undefined ? this.requests.find(id) !== undefined : !this.#handshake.isAnswered,
      onLine: (line, cause) => {
        this.#onLine(line, cause)
      },
      onTooLong: (first, last) => {
        this.#onTooLong(first, last)
      },
      onDrained: () => {
        if (this.#unreadReplyBytes > mostUnreadReplyBytes) this.releaseReading()
        this.#unreadReplyBytes = 0
        listener.onDrained(this)
      },
      onRequestFailed: (id, failure) => {
        this.#onRequestFailed(id, failure)
      },
      onDoubtful: () => {
        listener.onDoubtful(this)
      },
      onExpired: () => {
        listener.onExpired(this)
      },
      onClosed: (end) => {
        this.#end = end
        onFailed(new Error(end.reason))
        this.#onClosed(end.reason)
      },
    })
    this.#handshake = startHandshake(this.#carrier, connectMs)
    this.#handshake.opened.then(onOpened, onFailed)
  }

  /** The server's answer to `initialize`, byte for byte. */
  get initialize(): Buffer {
    return this.#initialize
  }

  /** Names of the capabilities that it has. */
  get capabilities(): ReadonlySet<string> {
    return this.#capabilities
  }

  get isCongested(): boolean {
    return this.#carrier.isCongested
  }

  get isClosed(): boolean {
    return this.#closedReason !== undefined
  }

  /** How the carrier came to its end, once it has by itself. */
  get end(): CarrierEnd | undefined {
    return this.#end
  }

  /** Whether the server has answered anything besides the opening. */
  get hasServed(): boolean {
    return this.#hasServed
  }

  /** When the server last sent anything, on the clock of `performance`; now while it is not read from. */
  get lastHeard(): number {
    return this.#holds > 0 ? performance.now() : this.#lastHeard
  }

  /** The computer slept, or something else makes it doubtful that what is open still is. */
  checkNow(): void {
    this.#carrier.checkNow()
  }

  /** Whether somebody has suspended the server. */
  isSuspended(): Promise<boolean> {
    return this.#carrier.isSuspended()
  }

  send(parts: Parts, about?: About): void {
    this.#carrier.send(parts, about)
  }

  /**
   * Answers a request of the server. One that asks on and on without reading the answers is not read from either,
   * until it has read them.
   */
  reply(parts: Parts): void {
    this.send(parts)
    if (!this.isCongested) return
    const before = this.#unreadReplyBytes
    this.#unreadReplyBytes += parts.reduce((sum, part) => sum + part.length, 0)
    if (before <= mostUnreadReplyBytes && this.#unreadReplyBytes > mostUnreadReplyBytes) this.holdReading()
  }

  holdReading(): void {
    this.#holds += 1
    this.#carrier.holdReading()
  }

  releaseReading(): void {
    this.#holds -= 1
    // What it sends is on its way only now.
    this.#lastHeard = performance.now()
    this.#carrier.releaseReading()
  }

  /** Counts as lost from now on: every request in flight is told. Its carrier is still to be stopped. */
  abandon(reason: string): void {
    this.#onClosed(reason)
  }

  stop(): Promise<void> {
    return this.#carrier.stop()
  }

  /** A request of our own. Rejects with a sentence when it is not answered in time or the connection is lost. */
  request(method: string, params: unknown, timeoutMs: number): Promise<RpcResponse> {
    if (this.#closedReason !== undefined) return Promise.reject(new Error(this.#closedReason))
    return new Promise((resolve, reject) => {
      const id = this.requests.add({
        method,
        timeoutMs,
        resetOnProgress: false,
        onAnswer: resolve,
        onLost: (reason) => {
          reject(new Error(reason))
        },
        onTimeout: () => {
          reject(new Error(`it did not answer ${method} within ${timeoutMs / 1000} s`))
          return 'give-up'
        },
      })
      this.send(requestLine(id, method, params), { asks: id })
    })
  }

  #onOpened(initialize: Buffer): void {
    this.#initialize = initialize
    this.#capabilities = readCapabilities(initialize)
    // What the server sent before we could listen comes right after whoever waits for the opening has heard of it.
    setImmediate(() => {
      const early = this.#early ?? []
      this.#early = undefined
      for (const { line, cause } of early) this.#onLine(line, cause)
    })
  }

  #onLine(line: Buffer, cause: number | undefined): void {
    this.#lastHeard = performance.now()
    if (this.#early !== undefined) {
      if (this.#handshake.take(line)) return
      this.#early.push({ line: Buffer.from(line), cause })
      this.#earlyBytes += line.length
      if (this.#earlyBytes > mostEarlyBytes)
        this.#failOpening(new Error('it talks without answering the opening “initialize”'))
      return
    }
    if (this.isClosed) return
    const message = parseMessage(line)
    try {
      this.#take(message, cause)
    } catch (error) {
      // What a server sends may be broken inside: that must not end what others use.
      this.#logger.warning('A message of the server could not be handled.', { error: String(error) })
      if (message.kind !== 'request') return
      const refusal = { code: rpcCodes.parseError, message: 'The request is not valid JSON inside.' }
      this.reply(errorLine(bytesAt(line, message.id), refusal))
    }
  }

  #take(message: RpcMessage, cause: number | undefined): void {
    switch (message.kind) {
      case 'response':
        this.#onResponse(message)
        break
      case 'request':
        this.#listener.onRequest(this, message, cause)
        break
      case 'notification':
        this.#onNotification(message, cause)
        break
      case 'fault':
        // Mostly a log line that begins as JSON does, such as "[INFO] …".
        this.#logger.debug('The server sent a line that is no message.', { reason: message.reason })
        this.#output.add('stdout', message.bytes)
        break
    }
  }

  #onResponse(message: RpcResponse): void {
    this.#hasServed = true
    const request = this.requests.takeAnswered(message)
    if (request === undefined)
      this.#logger.debug('An answer came to nobody: it was late, or never asked for.')
    else request.onAnswer(message)
  }

  #onNotification(message: RpcNotification, cause: number | undefined): void {
    if (message.method === 'notifications/progress') this.requests.onProgress(message)
    else this.#listener.onNotification(this, message, cause)
  }

  #onRequestFailed(id: number, failure: RequestFailure): void {
    if (failure.isOfServer) this.#lastHeard = performance.now()
    // It may quote the server, which may repeat what it was shown.
    const reason = shortenQuotations(this.#output.redact(failure.reason))
    if (failure.kind === 'refused' && failure.isOfServer && !this.#hasToldRefusal) {
      this.#hasToldRefusal = true
      this.#logger.warning('The server refuses a request; others that it refuses are told to who asked.', {
        reason,
      })
    }
    const request = this.requests.take(id)
    if (request?.onFailed !== undefined) request.onFailed({ ...failure, reason })
    else request?.onLost(reason)
  }

  #onTooLong(first: Buffer, last: Buffer): void {
    this.#logger.error('The server sent a message that is longer than limits.messageBytes; it was dropped.')
    const question = findQuestionId(first)
    if (question !== undefined) {
      const message = 'The question is longer than limits.messageBytes of Patchbay allows.'
      this.reply(errorLine(question, { code: rpcCodes.invalidRequest, message }))
      return
    }
    const id = findAnsweredId(first, last)
    const request = id === undefined ? undefined : this.requests.take(id)
    request?.onLost('its answer is longer than limits.messageBytes allows')
  }

  #onClosed(reason: string): void {
    if (this.isClosed) return
    this.#closedReason = reason
    this.#handshake.abandon()
    this.#listener.onClosed(this, reason)
    for (const request of this.requests.takeAll()) request.onLost(reason)
  }
}
