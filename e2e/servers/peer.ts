import { cut, toIdKey } from './json-span.ts'
import { parseObject, type JsonObject } from './json-values.ts'

/** One request from the client, with the bytes as they came. */
export interface Call {
  readonly method: string
  /** The id as written. */
  readonly id: Buffer
  readonly line: Buffer
  /** Undefined when the request has no params. */
  readonly params: Buffer | undefined
  /** The params, parsed; empty when there are none or they are no object. */
  readonly value: JsonObject
  /** Aborted when the client cancels. */
  readonly signal: AbortSignal
}

/** One notifications/cancelled that arrived. */
export interface Cancellation {
  /** As written. */
  readonly requestId: string
  /** Whether a request with this id was being worked on. */
  readonly known: boolean
  readonly reason: unknown
}

/** Builds a Call from a received line. */
export function toCall(line: Buffer, signal: AbortSignal): Call {
  const params = cut(line, 'params')
  return {
    method: JSON.parse((cut(line, 'method') ?? Buffer.from('""')).toString('utf8')) as string,
    id: cut(line, 'id') ?? Buffer.from('null'),
    line,
    params,
    get value() {
      return parseObject(params)
    },
    signal,
  }
}

/** The client as a test server sees it: what it may be sent and asked, and what it has cancelled. */
export class Peer {
  readonly cancellations: Cancellation[] = []
  /** Raw lines of all notifications received. */
  readonly notifications: Buffer[] = []
  /** Raw params of the client's initialize. */
  initializeParams: Buffer | undefined
  readonly #write: (bytes: Buffer) => void
  readonly #working = new Map<string, AbortController>()
  readonly #asked = new Map<string, (line: Buffer) => void>()
  #lastId = 0

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  /** Sends one message verbatim; pieces are joined, the newline is added. */
  sendRaw(...pieces: (Buffer | string)[]): void {
    this.#write(Buffer.concat([...pieces.map((piece) => Buffer.from(piece as string)), Buffer.from('\n')]))
  }

  /** Sends a notification. */
  notify(method: string, params?: JsonObject): void {
    this.sendRaw(JSON.stringify({ jsonrpc: '2.0', method, params }))
  }

  /** Sends progress with the call's progress token as it was received, whatever JSON value that is; nothing without one. */
  notifyProgress(call: Call, progress: number, message: string): void {
    const token = call.params && cut(call.params, '_meta', 'progressToken')
    if (token === undefined) return
    const rest = `,"progress":${progress},"message":${JSON.stringify(message)}}}`
    this.sendRaw('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":', token, rest)
  }

  /** A fresh id for a question. Plain small numbers, so that they collide with the client's own. */
  nextId(): string {
    return String(++this.#lastId)
  }

  /** Asks the client; `params` are raw bytes. Resolves with the raw answer line. */
  ask(method: string, params: Buffer | string, id: string = this.nextId()): Promise<Buffer> {
    const question = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":`
    return this.askRaw(
      Buffer.concat([Buffer.from(question), Buffer.from(params as string), Buffer.from('}')]),
    )
  }

  /** Sends a whole request line verbatim. Resolves with the raw answer line. */
  askRaw(line: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#asked.set(toIdKey(cut(line, 'id') ?? Buffer.from('null')), resolve)
      this.sendRaw(line)
    })
  }

  /** Takes note of a request that is being worked on. */
  begin(id: Buffer): AbortSignal {
    const controller = new AbortController()
    this.#working.set(toIdKey(id), controller)
    return controller.signal
  }

  /** The request was answered. */
  end(id: Buffer): void {
    this.#working.delete(toIdKey(id))
  }

  /** An answer to one of our questions; ignored when nothing asked for it. */
  takeAnswer(line: Buffer): void {
    const id = cut(line, 'id')
    if (id === undefined) return
    const resolve = this.#asked.get(toIdKey(id))
    this.#asked.delete(toIdKey(id))
    resolve?.(line)
  }

  /** A notification from the client; cancellations take effect. */
  takeNotification(line: Buffer): void {
    this.notifications.push(line)
    if (JSON.parse(String(cut(line, 'method'))) !== 'notifications/cancelled') return
    const requestId = cut(line, 'params', 'requestId') ?? Buffer.from('null')
    const controller = this.#working.get(toIdKey(requestId))
    const reason = parseObject(cut(line, 'params'))['reason']
    this.cancellations.push({
      requestId: requestId.toString('utf8'),
      known: controller !== undefined,
      reason,
    })
    controller?.abort()
  }
}
