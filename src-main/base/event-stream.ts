// Server-sent events (HTML Living Standard, "Server-sent events", "Interpreting an event stream") as bytes: the data of
// an event is handed on as it came, without being made text and bytes again.

const newline = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20
const byteOrderMark = Buffer.from('\ufeff')
const dataField = Buffer.from('data:')
const lineEnd = Buffer.from('\n')
const edgeBytes = 1024

/** One event that has data. */
interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string
  readonly data: Buffer
}

/** What a reader of events tells, while `push` runs. */
export interface EventStreamListener {
  /** Longest line, and with it longest data of an event, in bytes. */
  readonly maxBytes: number
  readonly onEvent: (event: StreamEvent) => void
  /** An event with its id is over: the stream can be asked for what comes after it. */
  readonly onId: (id: string) => void
  /** How long to wait before the stream is opened again once it broke, in milliseconds. */
  readonly onRetry: (milliseconds: number) => void
  /** The data of an event was too long and is lost; its first and last bytes. */
  readonly onTooLong: (first: Buffer, last: Buffer) => void
}

/** Cuts a stream of bytes into events. What it holds of an unfinished event when the stream ends is dropped, as the standard wants. */
export class EventStreamReader {
  readonly #listener: EventStreamListener
  #isAtStart = true
  /** The last byte was a carriage return: a newline right after it belongs to the same line end. */
  #isAfterReturn = false
  readonly #parts = new Pieces()
  #lineBytes = 0
  readonly #data = new Pieces()
  #dataBytes = 0
  #type = ''
  #id: string | undefined
  #lost: { readonly first: Buffer; last: Buffer } | undefined
  /** What is lost of the line that comes: data, and with it the event, or something else. */
  #lineLoss: 'data' | 'other' | undefined

  constructor(listener: EventStreamListener) {
    this.#listener = listener
  }

  push(chunk: Buffer): void {
    let from = this.#isAfterReturn && chunk[0] === newline ? 1 : 0
    if (chunk.length > 0) this.#isAfterReturn = false
    let nextReturn = chunk.indexOf(carriageReturn, from)
    while (from < chunk.length) {
      const nextNewline = chunk.indexOf(newline, from)
      if (nextReturn !== -1 && nextReturn < from) nextReturn = chunk.indexOf(carriageReturn, from)
      const isReturn = nextReturn !== -1 && (nextNewline === -1 || nextReturn < nextNewline)
      const end = isReturn ? nextReturn : nextNewline
      if (end === -1) break
      this.#add(chunk.subarray(from, end))
      this.#finishLine()
      from = end + 1
      if (!isReturn) continue
      if (from === chunk.length) this.#isAfterReturn = true
      else if (chunk[from] === newline) from += 1
    }
    if (from < chunk.length) this.#add(chunk.subarray(from))
  }

  #add(part: Buffer): void {
    if (part.length === 0) return
    this.#lineBytes += part.length
    if (this.#lineLoss === 'data') this.#noteLost(part)
    if (this.#lineLoss !== undefined) return
    this.#parts.push(part)
    if (this.#lineBytes + this.#dataBytes <= this.#listener.maxBytes + dataField.length + 1) return
    const whole = this.#parts.take()
    this.#parts.push(whole)
    const line = this.#withoutMark(whole)
    if (line.length < dataField.length) return
    if (line.subarray(0, dataField.length).equals(dataField)) this.#loseEvent(toValue(line))
    // Other fields are short, and a comment may be of any length: the event is none the worse for it.
    else if (line.length > edgeBytes) this.#loseLine('other')
  }

  /** Not even what came before is of use: the event as a whole is lost. */
  #loseEvent(value: Buffer): void {
    if (this.#lost === undefined) {
      const whole = Buffer.concat([this.#data.take(), value])
      const [first, last] = [whole.subarray(0, edgeBytes), whole.subarray(-edgeBytes)]
      this.#lost = { first: Buffer.from(first), last: Buffer.from(last) }
    } else this.#noteLost(value)
    this.#data.clear()
    this.#dataBytes = 0
    this.#loseLine('data')
  }

  #loseLine(loss: 'data' | 'other'): void {
    this.#parts.clear()
    this.#lineLoss = loss
  }

  #noteLost(part: Buffer): void {
    if (this.#lost === undefined) return
    this.#lost.last = Buffer.concat([this.#lost.last, part.subarray(-edgeBytes)]).subarray(-edgeBytes)
  }

  #withoutMark(line: Buffer): Buffer {
    return this.#isAtStart && line.subarray(0, 3).equals(byteOrderMark) ? line.subarray(3) : line
  }

  #finishLine(): void {
    const line = this.#withoutMark(this.#parts.take())
    const isLost = this.#lineLoss !== undefined
    this.#lineBytes = 0
    this.#lineLoss = undefined
    this.#isAtStart = false
    if (isLost) return
    if (line.length === 0) this.#finishEvent()
    else this.#takeField(line)
  }

  #takeField(line: Buffer): void {
    const at = line.indexOf(colon)
    const name = line.toString('latin1', 0, at === -1 ? line.length : Math.min(at, 16))
    const value = at === -1 ? Buffer.alloc(0) : toValue(line)
    switch (name) {
      case 'data':
        if (this.#lost !== undefined) {
          this.#noteLost(value)
          return
        }
        if (!this.#data.isEmpty) this.#data.push(lineEnd)
        this.#data.push(value)
        this.#dataBytes += value.length + 1
        break
      case 'event':
        this.#type = value.toString()
        break
      case 'id':
        if (!value.includes(0)) this.#id = value.toString()
        break
      case 'retry': {
        const text = value.toString('latin1')
        if (/^\d{1,9}$/.test(text)) this.#listener.onRetry(Number(text))
        break
      }
    }
  }

  #finishEvent(): void {
    const lost = this.#lost
    const data = this.#data.isEmpty ? undefined : this.#data.take()
    const type = this.#type === '' ? 'message' : this.#type
    this.#lost = undefined
    this.#dataBytes = 0
    this.#type = ''
    if (lost !== undefined) this.#listener.onTooLong(lost.first, lost.last)
    if (data !== undefined) this.#listener.onEvent({ type, data })
    if (this.#id !== undefined) this.#listener.onId(this.#id)
  }
}

const mostPieces = 1024

/** Bytes that come in pieces, which take no more room than the bytes, however many and small they are. */
class Pieces {
  #pieces: Buffer[] = []
  /** Pieces of before, joined. */
  #blocks: Buffer[] = []

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#blocks.length === 0
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece)
    if (this.#pieces.length < mostPieces) return
    this.#blocks.push(Buffer.concat(this.#pieces))
    this.#pieces = []
  }

  /** Takes all out as one; without a copy where there is one piece. */
  take(): Buffer {
    const all = [...this.#blocks, ...this.#pieces]
    const [only] = all
    this.clear()
    return all.length === 1 && only !== undefined ? only : Buffer.concat(all)
  }

  clear(): void {
    if (this.#pieces.length > 0) this.#pieces = []
    if (this.#blocks.length > 0) this.#blocks = []
  }
}

/** What stands after the colon of a line, less one space. */
function toValue(line: Buffer): Buffer {
  const from = line.indexOf(colon) + 1
  return line.subarray(line[from] === space ? from + 1 : from)
}
