/** When a client counts as slow, and what then. */
export interface OutflowOptions {
  /**
   * How long a response of a congested client may take nothing at all before it is cut off, in milliseconds. After three
   * times as long of congestion without a break the one that waits for most is cut off, though it takes some.
   */
  readonly stallMs: number
  readonly onDrained: () => void
  readonly onStalled: () => void
}

/** What writes to one of a client's responses. */
interface OutgoingWriter {
  /** When the client last took something, or was first to; as performance.now() tells. */
  readonly takenAt: number
  /** What it has not taken yet, in bytes. */
  readonly unsentBytes: number
  /** Cuts the connection off. */
  destroy(): void
}

/** Bytes waiting over all of a client's responses from which on it is congested, until half of them are gone. */
const highWaterBytes = 8 * 1024 * 1024

/** How long a client may be congested without a break, as a multiple of how long it may take nothing. */
const mostCongested = 3

/** What a client was sent and has not taken yet, over all of its responses. */
export class Outflow {
  readonly #options: OutflowOptions
  readonly #writers = new Set<OutgoingWriter>()
  #unsentBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: OutflowOptions) {
    this.#options = options
  }

  get isCongested(): boolean {
    return this.#timer !== undefined
  }

  /** So many bytes wait to be sent on a response. */
  add(writer: OutgoingWriter, bytes: number): void {
    this.#unsentBytes += bytes
    this.#writers.add(writer)
    const { stallMs } = this.#options
    if (this.isCongested || this.#unsentBytes < highWaterBytes) return
    const since = performance.now()
    this.#timer = setInterval(() => {
      this.#cutStalled(since)
    }, stallMs / 4)
    this.#timer.unref()
  }

  /** So many bytes of a response are gone, one way or another; `isIdle`: none are left. */
  remove(writer: OutgoingWriter, bytes: number, isIdle: boolean): void {
    this.#unsentBytes -= bytes
    if (isIdle) this.#writers.delete(writer)
    if (!this.isCongested || this.#unsentBytes > highWaterBytes / 2) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#options.onDrained()
  }

  /** Counts from when the client became congested: before that, nobody had to read in a hurry. */
  #cutStalled(since: number): void {
    const { stallMs } = this.#options
    const now = performance.now()
    if (now - since < stallMs) return
    for (const writer of [...this.#writers]) {
      if (now - writer.takenAt >= stallMs) this.#cut(writer)
    }
    // Whoever takes a little now and then holds others up as well: their servers wait for all of it.
    if (now - since < mostCongested * stallMs || !this.isCongested) return
    const [most] = [...this.#writers].toSorted((left, right) => right.unsentBytes - left.unsentBytes)
    if (most !== undefined) this.#cut(most)
  }

  #cut(writer: OutgoingWriter): void {
    this.#options.onStalled()
    writer.destroy()
  }
}
