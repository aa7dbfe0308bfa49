// A wire over Streamable HTTP without SDK: each line goes out as a POST of its own, what comes back on any stream is a line.
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { readByteLines } from '../servers/byte-lines.ts'
import { cut, findMembers, splice, toIdKey } from '../servers/json-span.ts'
import { EventStreamReader, type StreamEvent } from './event-stream.ts'
import { HttpLink, readBody, type Exchange, type HttpTarget } from './http-link.ts'
import { LineIntake } from './line-intake.ts'
import type { Wire } from './wire.ts'

/** What a message is. */
interface Head {
  readonly method: string | undefined
  readonly id: Buffer | undefined
}

const noHead: Head = { method: undefined, id: undefined }

/** One stream of events that is read on when it breaks off: of a request, or the standalone one. */
interface Course {
  /** Undefined for the standalone stream. */
  readonly request: Buffer | undefined
  lastEventId: string | undefined
  retryMs: number
  isAnswered: boolean
}

/** Undefined for what is no JSON object. */
function findHead(line: Buffer): Head | undefined {
  try {
    const members = findMembers(line)
    if (members.size === 0) return undefined
    const raw = (name: string): Buffer | undefined => {
      const stretch = members.get(name)
      return stretch && line.subarray(stretch.start, stretch.end)
    }
    const method: unknown = JSON.parse(raw('method')?.toString('utf8') ?? 'null')
    return { method: typeof method === 'string' ? method : undefined, id: raw('id') }
  } catch {
    return undefined
  }
}

function toErrorLine(id: Buffer, message: string): Buffer {
  const error = JSON.stringify({ code: -32099, message })
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(`,"error":${error}}`)])
}

function isEventStream(response: IncomingMessage): boolean {
  return response.headers['content-type']?.startsWith('text/event-stream') ?? false
}

function isJson(response: IncomingMessage): boolean {
  return response.headers['content-type']?.startsWith('application/json') ?? false
}

class HttpConversation {
  readonly intake = new LineIntake()
  readonly output = new PassThrough()
  readonly closed: Promise<null>
  readonly failures: string[] = []
  readonly #link: HttpLink
  readonly #cancelled = new Set<string>()
  readonly #resolveClosed: (code: null) => void
  #queue: Promise<void> = Promise.resolve()
  #session: string | undefined
  #revision: string | undefined
  #isOver = false

  constructor(target: HttpTarget) {
    this.#link = new HttpLink(target)
    const { promise, resolve } = Promise.withResolvers<null>()
    this.closed = promise
    this.#resolveClosed = resolve
    readByteLines(this.output, (line) => {
      this.#queue = this.#queue.then(() => (this.#isOver ? undefined : this.#post(line)))
    })
    this.output.on('end', () => {
      void this.#queue.then(() => this.leave())
    })
  }

  /** Ends the session, then cuts the connections. */
  async leave(): Promise<void> {
    if (this.#session !== undefined && !this.#isOver) {
      const headers = this.#toHeaders('application/json')
      const response = await this.#link.send({ method: 'DELETE', headers }).response
      if (!(response instanceof Error)) await readBody(response)
    }
    this.destroy()
  }

  destroy(): void {
    this.#isOver = true
    this.#link.destroy()
    this.intake.end()
    this.#resolveClosed(null)
  }

  #toHeaders(
    accept: string,
    more: Record<string, string | undefined> = {},
  ): Record<string, string | undefined> {
    return { accept, 'mcp-session-id': this.#session, 'mcp-protocol-version': this.#revision, ...more }
  }

  /** Sends a line; resolves when the next one may go. */
  async #post(line: Buffer): Promise<void> {
    const head = findHead(line) ?? noHead
    if (head.method === 'notifications/cancelled') {
      this.#cancelled.add(toIdKey(cut(line, 'params', 'requestId') ?? Buffer.from('null')))
      // Nothing else tells that the request it is about has come before it.
      await this.#link.settle()
    }
    const headers = this.#toHeaders('application/json, text/event-stream', {
      'content-type': 'application/json',
    })
    const exchange = this.#link.send({ method: 'POST', headers, body: line })
    const answered = this.#takeAnswer(exchange, head)
    // A request is answered in its own time, but without the session's id nothing else can go.
    const isPlainRequest = head.method !== undefined && head.id !== undefined && head.method !== 'initialize'
    await (isPlainRequest ? exchange.sent : answered)
    if (head.method === 'notifications/initialized') await this.#openStream()
  }

  async #takeAnswer(exchange: Exchange, head: Head): Promise<void> {
    const response = await exchange.response
    if (response instanceof Error) {
      this.#fail(head, response.message)
      return
    }
    const session = response.headers['mcp-session-id']
    if (head.method === 'initialize' && typeof session === 'string') this.#session = session
    if (response.statusCode === 200 && isEventStream(response)) {
      await this.#follow(response, {
        request: head.id,
        lastEventId: undefined,
        retryMs: 100,
        isAnswered: false,
      })
      return
    }
    const chunks: Buffer[] = []
    const isWhole = await this.intake.read(response, (chunk) => chunks.push(chunk))
    const body = Buffer.concat(chunks)
    if (!isWhole) this.#fail(head, `HTTP ${String(response.statusCode)}, cut off after ${body.length} bytes`)
    else if (
      isJson(response) &&
      findHead(body) !== undefined &&
      (response.statusCode === 200 || isError(body))
    )
      this.#takeMessage(withId(body, head), head.id)
    else if (response.statusCode !== 202 || (head.method !== undefined && head.id !== undefined))
      this.#fail(head, `HTTP ${String(response.statusCode)}: ${body.toString('utf8', 0, 200)}`)
  }

  /** Reads a stream of events to its end, and what comes after it when it breaks off. */
  async #follow(first: IncomingMessage, course: Course): Promise<void> {
    for (let response: IncomingMessage | undefined = first; response !== undefined;) {
      const reader = new EventStreamReader((event) => {
        this.#takeEvent(event, course)
      })
      await this.intake.read(response, (chunk) => {
        reader.push(chunk)
      })
      const { request, lastEventId, isAnswered, retryMs } = course
      if (this.#isOver || isAnswered || (request && this.#cancelled.has(toIdKey(request)))) return
      if (request !== undefined && lastEventId === undefined) break
      await delay(retryMs, undefined, { ref: false })
      response = await this.#openEvents(lastEventId)
    }
    if (course.request !== undefined)
      this.#fail({ method: '', id: course.request }, 'the stream ended without an answer')
  }

  #takeEvent({ type, data, id, retry }: StreamEvent, course: Course): void {
    if (id !== undefined) course.lastEventId = id
    if (retry !== undefined) course.retryMs = retry
    if (type !== 'message' || data === undefined || data.length === 0) return
    if (this.#takeMessage(data, course.request)) course.isAnswered = true
  }

  /** Hands a message on; true when it is the answer to the request. */
  #takeMessage(message: Buffer, request: Buffer | undefined): boolean {
    const head = findHead(message)
    if (head === undefined) {
      this.failures.push(`No message: ${message.toString('utf8', 0, 200)}`)
      return false
    }
    const { method, id } = head
    if (this.#revision === undefined && method === undefined) {
      const revision = cut(message, 'result', 'protocolVersion')
      if (revision !== undefined) this.#revision = JSON.parse(revision.toString('utf8')) as string
    }
    this.intake.push(message)
    return (
      method === undefined && id !== undefined && request !== undefined && toIdKey(id) === toIdKey(request)
    )
  }

  async #openStream(): Promise<void> {
    const response = await this.#openEvents(undefined)
    const course = { request: undefined, lastEventId: undefined, retryMs: 100, isAnswered: false }
    if (response !== undefined) void this.#follow(response, course)
  }

  /** Asks for the standalone stream or the rest of one; undefined when it cannot be had. */
  async #openEvents(lastEventId: string | undefined): Promise<IncomingMessage | undefined> {
    if (this.#isOver) return undefined
    const headers = this.#toHeaders('text/event-stream', { 'last-event-id': lastEventId })
    const response = await this.#link.send({ method: 'GET', headers }).response
    if (response instanceof Error) {
      this.failures.push(`GET: ${response.message}`)
      return undefined
    }
    if (response.statusCode === 200 && isEventStream(response)) return response
    const body = await readBody(response)
    // 405 is how a server says that it has no standalone stream.
    if (response.statusCode !== 405)
      this.failures.push(`GET: HTTP ${String(response.statusCode)} ${body.toString('utf8', 0, 200)}`)
    return undefined
  }

  /** Has a request end with an error that tells what HTTP did, so that a test need not wait for its deadline. */
  #fail({ method, id }: Head, reason: string): void {
    if (this.#isOver) return
    this.failures.push(reason)
    if (method === undefined || id === undefined || this.#cancelled.has(toIdKey(id))) return
    this.intake.push(toErrorLine(id, `No answer over HTTP: ${reason}`))
  }
}

function isError(message: Buffer): boolean {
  return cut(message, 'error', 'code') !== undefined
}

/** An error about a request that does not name it is given its id. */
function withId(body: Buffer, { method, id }: Head): Buffer {
  if (method === undefined || id === undefined || cut(body, 'id')?.toString('utf8') !== 'null') return body
  return splice(body, ['id'], id)
}

/** Opens a conversation at a Streamable HTTP endpoint; nothing is sent before the first line is. */
export function openHttpWire(target: HttpTarget): Wire {
  const conversation = new HttpConversation(target)
  return {
    input: conversation.intake.stream,
    output: conversation.output,
    pid: undefined,
    stderr: () => conversation.failures.join('\n'),
    closed: conversation.closed,
    end: () => conversation.output.end(),
    destroy: () => {
      conversation.destroy()
    },
    leave: () => {
      void conversation.leave()
    },
  }
}
