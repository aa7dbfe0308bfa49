// Reads server-sent events. Written apart from the product's reader, so that bugs are not shared.

/** One event, or only a comment's worth of fields when `data` is undefined. */
export interface StreamEvent {
  /** `message` unless the stream names another. */
  readonly type: string
  /** Undefined for an event without a data line. */
  readonly data: Buffer | undefined
  readonly id: string | undefined
  /** Milliseconds. */
  readonly retry: number | undefined
}

const newline = 10
const carriageReturn = 13
const byteOrderMark = Buffer.from('\ufeff')

function findLineEnd(chunk: Buffer, from: number): number {
  const ends = [chunk.indexOf(newline, from), chunk.indexOf(carriageReturn, from)].filter((at) => at !== -1)
  return ends.length === 0 ? -1 : Math.min(...ends)
}

/** Calls `onEvent` for each event of a stream that ends with an empty line; lines end with CR, LF or both. */
export class EventStreamReader {
  readonly #onEvent: (event: StreamEvent) => void
  #parts: Buffer[] = []
  #isFirstLine = true
  #skipsNewline = false
  #data: Buffer[] = []
  #fields = new Map<string, string>()

  constructor(onEvent: (event: StreamEvent) => void) {
    this.#onEvent = onEvent
  }

  push(chunk: Buffer): void {
    let from = this.#skipsNewline && chunk[0] === newline ? 1 : 0
    this.#skipsNewline = false
    for (let end = findLineEnd(chunk, from); end !== -1; end = findLineEnd(chunk, from)) {
      this.#parts.push(chunk.subarray(from, end))
      this.#takeLine(Buffer.concat(this.#parts))
      this.#parts = []
      from = end + 1
      if (chunk[end] === carriageReturn && chunk[from] === newline) from++
      else if (chunk[end] === carriageReturn) this.#skipsNewline = from === chunk.length
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from))
  }

  #takeLine(given: Buffer): void {
    const hasMark = this.#isFirstLine && given.subarray(0, 3).equals(byteOrderMark)
    const line = hasMark ? given.subarray(3) : given
    this.#isFirstLine = false
    if (line.length === 0) {
      this.#finishEvent()
      return
    }
    const colon = line.indexOf(':')
    const name = line.toString('latin1', 0, colon === -1 ? line.length : colon)
    const rest = colon === -1 ? Buffer.alloc(0) : line.subarray(colon + 1)
    const value = rest[0] === 32 ? rest.subarray(1) : rest
    if (name === 'data') this.#data.push(value)
    else if (name !== '') this.#fields.set(name, value.toString('utf8'))
  }

  #finishEvent(): void {
    const lines = this.#data.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line]))
    const data = this.#data.length === 0 ? undefined : Buffer.concat(lines)
    const fields = this.#fields
    this.#data = []
    this.#fields = new Map()
    if (data === undefined && fields.size === 0) return
    const retry = fields.get('retry')
    this.#onEvent({
      type: fields.get('event') ?? 'message',
      data,
      id: fields.get('id'),
      retry: retry === undefined ? undefined : Number(retry),
    })
  }
}
