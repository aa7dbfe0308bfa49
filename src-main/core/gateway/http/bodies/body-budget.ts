/** Bytes that all bodies being read may take together. */
const usualBytes = 256 * 1024 * 1024

interface Wish {
  readonly bytes: number
  readonly go: () => void
}

/** What bodies may take of our memory while they are read, over all connections: beyond it the next ones wait. */
export class BodyBudget {
  readonly #bytes: number
  readonly #waiting = new Set<Wish>()
  #reserved = 0

  constructor(bytes: number = usualBytes) {
    this.#bytes = bytes
  }

  /** Calls `go`, now or later, once so many bytes may be kept. Gives what gives them back, or the wish for them up. */
  reserve(bytes: number, go: () => void): () => void {
    const wish: Wish = { bytes, go }
    this.#waiting.add(wish)
    this.#grant()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      if (!this.#waiting.delete(wish)) this.#reserved -= bytes
      this.#grant()
    }
  }

  /** In order: one that is large must not wait for ever behind small ones. Alone, it may be as large as it likes. */
  #grant(): void {
    for (const wish of this.#waiting) {
      if (this.#reserved > 0 && this.#reserved + wish.bytes > this.#bytes) return
      this.#waiting.delete(wish)
      this.#reserved += wish.bytes
      wish.go()
    }
  }
}
