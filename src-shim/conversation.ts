import { findMember, findPath, idKey, readHead, type Head, type Span } from '../src-main/base/json-head.ts'

/** The end of a replayed handshake: list changes to tell the editor, and the error with which it was refused. */
export interface Resumed {
  readonly changes: readonly Buffer[]
  readonly refusal: string | undefined
}

const handshake = 'initialize'
const restarted =
  'The connection to Patchbay was lost before it answered. The call may or may not have taken effect; try again.'

/** An error answer as a line. `id` is the bytes of the request's id, `code` a closed code for `data`. */
export function toErrorLine(id: Buffer | 'null', message: string, code?: string): Buffer {
  const error = code ? { code: -32000, message, data: { code } } : { code: -32600, message }
  return Buffer.from(`{"jsonrpc":"2.0","id":${id.toString()},"error":${JSON.stringify(error)}}`)
}

/** The id of a line, as bytes, when it is a request. */
export function findRequestId(line: Buffer): Buffer | undefined {
  const { id, method } = orElse<Head>({}, () => readHead(line))
  return id && method !== undefined ? bytesAt(line, id) : undefined
}

/** Remembers of the lines that pass what it takes to go on with another connection. Knows no streams. */
export class Conversation {
  /** Lines to be replayed, by what they set, in order; with an id when they are requests. */
  readonly #kept = new Map<string, { readonly line: Buffer; readonly id: Span | undefined }>()
  /** Requests of the editor; with the key of what they keep. */
  readonly #inFlight = new Map<string, { readonly id: Buffer; readonly keeps: string }>()
  /** Requests of the app. */
  readonly #questions = new Map<string, Buffer>()
  /** Requests of the replay, and whether they are the handshake. */
  readonly #ours = new Map<string, boolean>()
  #ourIds = 0

  /** Whether the editor waits for nothing. */
  get isIdle(): boolean {
    return this.#inFlight.size === 0
  }

  /** Notes a line on its way to the app. False: it answers a question that this connection did not ask. */
  takeFromEditor(line: Buffer): boolean {
    return orElse(true, () => this.#noteFromEditor(line, readHead(line)))
  }

  /** Notes a line from the app. True: it is for the editor; false: for nobody. */
  takeFromApp(line: Buffer): boolean | Resumed {
    return orElse<boolean | Resumed>(true, () => this.#noteFromApp(line, readHead(line)))
  }

  /** The connection is gone: returns what the editor has to be told, and the `initialize` to be sent as it came. */
  lose(): { readonly toEditor: Buffer[]; readonly again: Buffer | undefined } {
    const toEditor: Buffer[] = []
    let again: Buffer | undefined
    for (const { id, keeps } of this.#inFlight.values()) {
      if (keeps === handshake) again = this.#kept.get(handshake)?.line
      else toEditor.push(toErrorLine(id, restarted, 'app-restarted'))
      this.#kept.delete(keeps)
    }
    for (const id of this.#questions.values()) {
      const params = `{"requestId":${id.toString()},"reason":"The connection was lost."}`
      toEditor.push(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`))
    }
    for (const map of [this.#inFlight, this.#questions, this.#ours]) map.clear()
    return { toEditor, again }
  }

  /** What makes a new session as the old one was: the handshake, then the rest; requests under ids of our own. */
  toReplay(): Buffer[] {
    if (!this.#kept.has(handshake)) return []
    return [...this.#kept].map(([keeps, { line, id }]) => {
      if (!id) return line
      const own = Buffer.from(`"patchbay-shim-${++this.#ourIds}"`)
      this.#ours.set(idKey(own, { start: 0, end: own.length }), keeps === handshake)
      return Buffer.concat([line.subarray(0, id.start), own, line.subarray(id.end)])
    })
  }

  #noteFromEditor(line: Buffer, head: Head): boolean {
    const { id, method } = head
    const key = id && idKey(line, id)
    const isAnswer = head.result !== undefined || head.error !== undefined
    if (method === undefined) return !isAnswer || key === undefined || this.#questions.delete(key)
    if (method === handshake) this.#kept.clear()
    if (method === 'resources/unsubscribe') this.#kept.delete(paramKey(line, head, 'uri'))
    if (method === 'notifications/cancelled') this.#inFlight.delete(paramKey(line, head, 'requestId'))
    const keeps = toKeptKey(line, head)
    if (keeps) this.#kept.set(keeps, { line: Buffer.from(line), id })
    if (id && key !== undefined) this.#inFlight.set(key, { id: bytesAt(line, id), keeps })
    return true
  }

  #noteFromApp(line: Buffer, head: Head): boolean | Resumed {
    const { id, method, error } = head
    if (method === 'notifications/cancelled') this.#questions.delete(paramKey(line, head, 'requestId'))
    if (!id) return true
    const key = idKey(line, id)
    if (method !== undefined) {
      this.#questions.set(key, bytesAt(line, id))
      return true
    }
    const isHandshake = this.#ours.get(key)
    if (this.#ours.delete(key)) return isHandshake ? toResumed(line, head) : false
    if (error) this.#kept.delete(this.#inFlight.get(key)?.keeps ?? '')
    this.#inFlight.delete(key)
    return true
  }
}

/** What of the session a line sets that a replay has to set again; the empty key when it is nothing. */
function toKeptKey(line: Buffer, head: Head): string {
  if (head.method === 'resources/subscribe') return paramKey(line, head, 'uri')
  const kept = [handshake, 'notifications/initialized', 'logging/setLevel']
  return kept.find((method) => method === head.method) ?? ''
}

/** Lines that are no message of JSON-RPC are passed on as they are, for the receiver to answer. */
function orElse<T>(fallback: T, read: () => T): T {
  try {
    return read()
  } catch {
    return fallback
  }
}

function bytesAt(line: Buffer, span: Span): Buffer {
  return Buffer.from(line.subarray(span.start, span.end))
}

/** A key for an id or URI among the parameters; the empty one when there is none. */
function paramKey(line: Buffer, head: Head, name: string): string {
  const span = findMember(line, head.params, name)
  return span ? idKey(line, span) : ''
}

function toResumed(line: Buffer, { result, error }: Head): Resumed {
  const changes = ['tools', 'resources', 'prompts']
    .filter((list) => findPath(line, result, ['capabilities', list]))
    .map((list) => Buffer.from(`{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"}`))
  return { changes, refusal: error && bytesAt(line, error).toString() }
}
