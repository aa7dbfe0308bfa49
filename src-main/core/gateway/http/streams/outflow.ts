/** When a client counts as slow, and what then. */
export interface OutflowOptions {
  /**
   * How long a congested client may hold up its servers, in milliseconds. A response that took nothing at all meanwhile
   * is cut off; one that takes what there is, though slowly, holds nobody up any longer.
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

/** More is not kept for a client that is slow: the response that waits for most is cut off. */
const mostUnsentBytes = 128 * 1024 * 1024

/** What a client was sent and has not taken yet, over all of its responses. */
export class Outflow {
  readonly #options: OutflowOptions
  readonly #writers = new Set<OutgoingWriter>()
  #unsentBytes = 0
  /** What counts as congestion; more while a slow client holds nobody up. */
  #highBytes = highWaterBytes
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
    if (this.isCongested || this.#unsentBytes < this.#highBytes) return
    const since = performance.now()
    this.#timer = setInterval(() => {
      this.#endCongestion(since)
    }, stallMs / 4)
    this.#timer.unref()
  }

  /** So many bytes of a response are gone, one way or another; `isIdle`: none are left. */
  remove(writer: OutgoingWriter, bytes: number, isIdle: boolean): void {
    this.#unsentBytes -= bytes
    if (isIdle) this.#writers.delete(writer)
    if (this.#unsentBytes > highWaterBytes / 2) return
    this.#highBytes = highWaterBytes
    this.#relieve()
  }

  /** Counts from when the client became congested: before that, nobody had to read in a hurry. */
  #endCongestion(since: number): void {
    const { stallMs } = this.#options
    const now = performance.now()
    if (now - since < stallMs) return
    for (const writer of [...this.#writers]) {
      if (now - writer.takenAt >= stallMs) this.#cut(writer)
    }
    if (!this.isCongested) return
    if (this.#unsentBytes > mostUnsentBytes) {
      const [most] = [...this.#writers].toSorted((left, right) => right.unsentBytes - left.unsentBytes)
      if (most !== undefined) this.#cut(most)
    } else {
      this.#highBytes = this.#unsentBytes + highWaterBytes
      this.#relieve()
    }
  }

  #relieve(): void {
    if (!this.isCongested) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#options.onDrained()
  }

  #cut(writer: OutgoingWriter): void {
    this.#options.onStalled()
    writer.destroy()
  }
}
