/** Collects a body, as far as it is wanted. */
export class BodyReader {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #length = 0

  /** What goes beyond `maxBytes` is dropped. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether there was more than is kept. */
  get isCut(): boolean {
    return this.#length > this.#maxBytes
  }

  push(chunk: Buffer): void {
    const room = this.#maxBytes - this.#length
    this.#length += chunk.length
    if (room > 0) this.#parts.push(chunk.subarray(0, room))
  }

  take(): Buffer {
    const [only] = this.#parts
    const body = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts)
    this.#parts = []
    return body
  }
}
