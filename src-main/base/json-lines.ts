const newline = 0x0a
const carriageReturn = 0x0d

/** What a LineSplitter tells. Both are called while `push` runs. */
export interface LineListener {
  /** Longest line, in bytes. */
  readonly maxBytes: number
  /** One line, without its end. The buffer may share memory with the pushed chunk. */
  readonly onLine: (line: Buffer) => void
  /** How much of the beginning of a line that is too long is handed on, in bytes; 1 KiB when left out. */
  readonly firstBytes?: number
  /** A line was longer than `maxBytes` and has been passed over; with its first bytes and up to 1 KiB of its last. */
  readonly onTooLong: (first: Buffer, last: Buffer) => void
}

const edgeBytes = 1024

/** Cuts a stream of bytes into lines. Joins each line once, so that long lines cost no more than their length. */
export class LineSplitter {
  readonly #listener: LineListener
  #parts: Buffer[] = []
  #length = 0
  #first: Buffer | undefined
  #last: Buffer = Buffer.alloc(0)

  constructor(listener: LineListener) {
    this.#listener = listener
  }

  push(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(newline, from)
      if (end === -1) break
      this.#add(chunk.subarray(from, end))
      this.#finish()
      from = end + 1
    }
    if (from < chunk.length) this.#add(chunk.subarray(from))
  }

  /** The stream is over: a last line without an end counts as a line. */
  end(): void {
    if (this.#length > 0) this.#finish()
  }

  #add(part: Buffer): void {
    this.#length += part.length
    if (this.#first !== undefined) {
      this.#last = Buffer.concat([this.#last, part.subarray(-edgeBytes)]).subarray(-edgeBytes)
      return
    }
    this.#parts.push(part)
    if (this.#length <= this.#listener.maxBytes) return
    const whole = Buffer.concat(this.#parts)
    this.#first = Buffer.from(whole.subarray(0, this.#listener.firstBytes ?? edgeBytes))
    this.#last = Buffer.from(whole.subarray(-edgeBytes))
    this.#parts = []
  }

  #finish(): void {
    const first = this.#first
    const parts = this.#parts
    this.#parts = []
    this.#length = 0
    this.#first = undefined
    if (first !== undefined) {
      this.#listener.onTooLong(first, this.#last)
      return
    }
    const [only] = parts
    const joined = parts.length === 1 && only ? only : Buffer.concat(parts)
    const line = joined[joined.length - 1] === carriageReturn ? joined.subarray(0, -1) : joined
    if (line.length > 0) this.#listener.onLine(line)
  }
}
