import { randomBytes } from 'node:crypto'
import { idKey } from '#base/json-head.ts'
import type { RpcMessage, RpcRequest } from '#base/json-rpc.ts'
import type { Parts } from '#base/splice.ts'
import type { Logger } from '../../../observe/logger.ts'
import type { ClientIntroduction, ClientLink } from '../../../router/router.ts'
import type { ClientPort } from '../../../router/session/client-port.ts'
import { sendEmpty, type Refusal, type Reply } from '../answers.ts'
import { EventStore, toKept, toLength } from '../streams/event-store.ts'
import { EventStream, sendEmptyStream } from '../streams/event-stream.ts'
import { Outflow } from '../streams/outflow.ts'
import { ResumableStream } from '../streams/resumable-stream.ts'
import { CallResponse } from './call-response.ts'
import { InputGate } from './input-gate.ts'

/** What a session over HTTP needs. */
export interface HttpSessionOptions {
  /** The one server that it is with; the whole when undefined. */
  readonly server: string | undefined
  /** Whether its client showed the access token. */
  readonly isWithToken: boolean
  readonly connect: (introduction: ClientIntroduction) => ClientLink
  readonly logger: Logger
  readonly onClosed: () => void
  /** How long a client that does not keep up may hold up its servers, in milliseconds. */
  readonly stallMs: number
}

/** Streams that a client may have open at a time besides those of its calls. */
const mostStreams = 8
/** What is kept for a client that has no stream open. */
const queueLimits = { messages: 64, bytes: 256 * 1024 }
/** Clients of older revisions take the empty data of a first event for a broken message. */
const firstPrimedRevision = '2025-11-25'

/** The header that names a session. */
const sessionHeader = 'Mcp-Session-Id'

/** The refusal of a request whose session is not there. */
export const sessionGone: Refusal = {
  status: 404,
  code: 'session-gone',
  message:
    'This session is over or was never there: open another one with initialize, without Mcp-Session-Id.',
}

/** A client over Streamable HTTP, from its initialize to its end, over any number of connections. */
export class HttpSession implements ClientPort {
  readonly id = randomBytes(24).toString('base64url')
  readonly server: string | undefined
  readonly isWithToken: boolean
  readonly input = new InputGate()
  /** When it last had a request; as performance.now() tells. */
  usedAt = performance.now()
  readonly #options: HttpSessionOptions
  readonly #link: ClientLink
  readonly #outflow: Outflow
  readonly #store = new EventStore((name) => {
    this.#streams.get(name)?.onEmptied()
  })
  readonly #calls = new Map<string, CallResponse>()
  readonly #streams = new Map<string, ResumableStream>()
  /** Streams that belong to no call, the one that was opened last at the end. */
  #unrelated: ResumableStream[] = []
  #queue: Parts[] = []
  #queuedBytes = 0
  #streamCount = 0
  #opening: string | undefined
  #isLogged = false
  #isClosed = false

  constructor(options: HttpSessionOptions) {
    this.#options = options
    this.server = options.server
    this.isWithToken = options.isWithToken
    this.#outflow = new Outflow({
      stallMs: options.stallMs,
      onDrained: () => {
        this.#link.onDrained()
      },
      onStalled: () => {
        options.logger.warning('A client does not read what it asked for; its stream is closed.')
      },
    })
    this.#link = options.connect({ name: 'http', server: options.server, port: this })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether nobody waits for anything: no call is in flight and no stream open. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#unrelated.every((stream) => !stream.isOpen)
  }

  get isCongested(): boolean {
    return this.#outflow.isCongested
  }

  /** Takes the initialize that it was made for. */
  begin(request: RpcRequest, reply: Reply): void {
    this.#opening = idKey(request.bytes, request.id)
    this.#takeRequest(request, this.#opening, reply)
  }

  /** Takes a message and answers the request that brought it, now or later. Gives why not, where that is so. */
  take(message: RpcMessage, reply: Reply): Refusal | undefined {
    this.usedAt = performance.now()
    const isTakenBack = this.input.isTakenBack(message)
    if (message.kind !== 'request') {
      this.#link.take(message)
      sendEmpty(reply, 202)
      return undefined
    }
    const call = idKey(message.bytes, message.id)
    if (message.method === 'initialize') return sessionOpen
    if (this.#calls.has(call)) return idInUse
    if (isTakenBack) sendEmptyStream(reply)
    else this.#takeRequest(message, call, reply)
    return undefined
  }

  /** Opens a stream for what belongs to no call, or goes on with the one that the event is of. Gives why not. */
  openStream(reply: Reply, lastEventId: string | undefined): Refusal | undefined {
    this.usedAt = performance.now()
    const last = lastEventId === undefined ? undefined : this.#findLast(lastEventId)
    if (lastEventId !== undefined && last === undefined) return eventUnknown
    const known = last && this.#streams.get(last.name)
    if (known?.isOfCall !== true && this.#isFull(known)) return streamsFull
    const stream = known ?? this.#addStream('get')
    this.#attach(stream, reply, last?.number ?? 0)
    if (stream.isOfCall) return undefined
    if (known === undefined && this.#isPriming) stream.prime()
    this.#unrelated = [...this.#unrelated.filter((other) => other !== stream), stream]
    const waiting = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const message of waiting) stream.send(message)
    return undefined
  }

  send(parts: Parts, call?: string): void {
    const response = call === undefined ? undefined : this.#calls.get(call)
    if (response?.send(parts) === true) return
    const stream = this.#unrelated.findLast(({ isOpen }) => isOpen)
    if (stream === undefined) this.#keep(parts)
    else stream.send(parts)
  }

  answer(call: string, parts: Parts): void {
    const response = this.#calls.get(call)
    this.#calls.delete(call)
    this.usedAt = performance.now()
    if (call !== this.#opening) {
      response?.answer(parts)
      return
    }
    this.#opening = undefined
    // The answer to initialize is an error.
    if (this.#link.revision === undefined) {
      response?.answer(parts)
      this.close()
      return
    }
    this.#logOpened()
    response?.answer(parts, [sessionHeader, this.id])
  }

  end(call: string): void {
    this.#calls.get(call)?.end()
    this.#calls.delete(call)
  }

  holdInput(): void {
    this.input.hold()
  }

  releaseInput(): void {
    this.input.release()
  }

  rest(): void {
    this.#link.rest()
  }

  /** Ends it, with all that waits for something. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.close()
    this.input.end()
    for (const response of [...this.#calls.values()]) response.refuse(sessionGone)
    this.#calls.clear()
    for (const stream of [...this.#streams.values()]) stream.forget()
    if (this.#isLogged) this.#options.logger.info('A client left.', this.#toFields())
    this.#options.onClosed()
  }

  #takeRequest(request: RpcRequest, call: string, reply: Reply): void {
    const response = new CallResponse({
      call,
      reply,
      outflow: this.#outflow,
      openStream: (from) => this.#openCallStream(call, from),
      onLost: () => {
        // Nobody knows the session but who waited for its id.
        if (call === this.#opening) this.close()
      },
    })
    this.#calls.set(call, response)
    try {
      this.#link.take(request)
    } catch (error) {
      this.#calls.delete(call)
      response.abandon()
      if (call === this.#opening) this.close()
      throw error
    }
  }

  #openCallStream(call: string, reply: Reply): ResumableStream {
    const stream = this.#addStream('post')
    // An initialize that fails later cannot take this back: then it names a session that is over.
    const headers = call === this.#opening ? [...reply.headers, sessionHeader, this.id] : reply.headers
    this.#attach(stream, { ...reply, headers }, 0)
    if (this.#isPriming) stream.prime()
    return stream
  }

  #attach(stream: ResumableStream, reply: Reply, after: number): void {
    const connection: EventStream = new EventStream(reply, this.#outflow, () => {
      this.usedAt = performance.now()
      stream.onClosed(connection)
    })
    stream.attach(connection, after)
  }

  #addStream(kind: 'get' | 'post'): ResumableStream {
    const name = `${kind}${++this.#streamCount}`
    const stream = new ResumableStream({
      name,
      isOfCall: kind === 'post',
      store: this.#store,
      onForgotten: () => {
        this.#streams.delete(name)
        this.#unrelated = this.#unrelated.filter((other) => other !== stream)
      },
    })
    this.#streams.set(name, stream)
    return stream
  }

  /**
   * The event that a client saw last. Undefined when what it names cannot be gone on with: the stream of a call whose
   * answer was delivered, or nothing that we ever sent. 404 would say that the session is lost, so the answer is 400.
   * In place of an old stream that belonged to no call, a new one is as good, though what was on it is lost.
   */
  #findLast(id: string): { name: string; number: number } | undefined {
    const [, name = '', kind, count, number] = /^((get|post)(\d{1,9}))-(\d{1,9})$/.exec(id) ?? []
    const isOld = kind === 'get' && Number(count) <= this.#streamCount
    return isOld || this.#streams.has(name) ? { name, number: Number(number) } : undefined
  }

  #isFull(resumed: ResumableStream | undefined): boolean {
    const open = this.#unrelated.filter((stream) => stream.isOpen && stream !== resumed)
    return open.length >= mostStreams
  }

  get #isPriming(): boolean {
    const { revision } = this.#link
    return revision !== undefined && revision >= firstPrimedRevision
  }

  #keep(parts: Parts): void {
    this.#queue.push(toKept(parts))
    this.#queuedBytes += toLength(parts)
    while (this.#queue.length > queueLimits.messages || this.#queuedBytes > queueLimits.bytes) {
      // One alone is kept, however large: a server may wait for its answer.
      if (this.#queue.length === 1) return
      this.#queuedBytes -= toLength(this.#queue.shift() ?? [])
    }
  }

  #logOpened(): void {
    this.#isLogged = true
    this.#options.logger.info('A client connected.', this.#toFields())
  }

  #toFields(): Record<string, string> {
    const fields = { client: this.#link.name, carrier: 'http' }
    return this.server === undefined ? fields : { ...fields, server: this.server }
  }
}

const sessionOpen: Refusal = {
  status: 400,
  code: 'session-open',
  message: 'The session is open already: initialize comes once, and without Mcp-Session-Id.',
  rpcCode: -32600,
}

const idInUse: Refusal = {
  status: 400,
  code: 'id-in-use',
  message: 'Another request with this id is in flight in this session: give each its own.',
  rpcCode: -32600,
}

const eventUnknown: Refusal = {
  status: 400,
  code: 'unknown-event',
  message:
    'Nothing can be sent again from this Last-Event-ID on: its stream was delivered, or is not of this session.',
}

const streamsFull: Refusal = {
  status: 429,
  code: 'too-many-streams',
  message: 'This session has 8 streams open already: close one first.',
  headers: ['Retry-After', '1'],
}
