/** What waits to be written: a line with its end, and how many lines it stands for. */
interface QueuedLine {
  readonly bytes: Buffer
  /** 1; for a line that tells of lost ones, their number. */
  readonly count: number
}

// What a waiting line takes besides its bytes, about.
const overheadBytes = 64

/** Lines that wait to be written, at most so many bytes of them: beyond it the oldest are lost, and counted. */
export class LineQueue {
  readonly #maxBytes: number
  #lines: QueuedLine[] = []
  /** Where the first line stands in `#lines`: taking from the front of an array is slow when it is long. */
  #first = 0
  #bytes = 0
  #lost = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isEmpty(): boolean {
    return this.#first === this.#lines.length && this.#lost === 0
  }

  /** Puts a line at the end; `text` has no line end. */
  add(text: string): void {
    this.#lines.push({ bytes: Buffer.from(`${text}\n`), count: 1 })
    this.#bytes += this.#sizeOf(this.#lines.length - 1)
    this.#shrink()
  }

  /**
   * Takes the first lines, at most `maxBytes` of them together; the very first may have `firstMaxBytes`. Where lines
   * were lost, `toLostLine` gives the line that says so.
   */
  take(maxBytes: number, firstMaxBytes: number, toLostLine: (count: number) => string): QueuedLine[] {
    if (this.#lost > 0) {
      this.#putFirst([{ bytes: Buffer.from(`${toLostLine(this.#lost)}\n`), count: this.#lost }])
      this.#lost = 0
    }
    let taken = 0
    let end = this.#first
    for (let line = this.#lines[end]; line !== undefined; line = this.#lines[++end]) {
      if (taken + line.bytes.length > (taken === 0 ? firstMaxBytes : maxBytes)) break
      taken += line.bytes.length
      this.#bytes -= line.bytes.length + overheadBytes
    }
    const lines = this.#lines.slice(this.#first, end)
    this.#first = end
    this.#compact()
    return lines
  }

  /** Puts lines in front of all others: they could not be written yet. */
  putBack(lines: readonly QueuedLine[]): void {
    this.#putFirst(lines)
    this.#shrink()
  }

  #putFirst(lines: readonly QueuedLine[]): void {
    this.#lines = [...lines, ...this.#lines.slice(this.#first)]
    this.#first = 0
    for (const { bytes } of lines) this.#bytes += bytes.length + overheadBytes
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#sizeOf(this.#first)
      this.#lost += this.#lines[this.#first]?.count ?? 0
      this.#first++
    }
    this.#compact()
  }

  #sizeOf(index: number): number {
    return (this.#lines[index]?.bytes.length ?? 0) + overheadBytes
  }

  #compact(): void {
    if (this.#first * 2 < this.#lines.length) return
    this.#lines = this.#lines.slice(this.#first)
    this.#first = 0
  }
}
