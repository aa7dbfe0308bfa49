/** When a client counts as slow, and what then. */
export interface OutflowOptions {
  /**
   * How long a congested client may hold up its servers, in milliseconds. A response of which it takes nothing at all for
   * three times as long is cut off; one that it takes, though slowly, is waited for.
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

/** A system that holds megabytes for a slow client takes more of them only now and then. */
const cutAfter = 3

/** What a client was sent and has not taken yet, over all of its responses. */
export class Outflow {
  readonly #options: OutflowOptions
  readonly #writers = new Set<OutgoingWriter>()
  #unsentBytes = 0
  /** What counts as congestion; more while a slow client holds nobody up. */
  #highBytes = highWaterBytes
  #congestedAt: number | undefined
  /** Runs from congestion until half of it is gone. */
  #timer: NodeJS.Timeout | undefined

  constructor(options: OutflowOptions) {
    this.#options = options
  }

  get isCongested(): boolean {
    return this.#congestedAt !== undefined
  }

  /** So many bytes wait to be sent on a response. */
  add(writer: OutgoingWriter, bytes: number): void {
    this.#unsentBytes += bytes
    this.#writers.add(writer)
    if (this.isCongested || this.#unsentBytes < this.#highBytes) return
    const now = performance.now()
    this.#congestedAt = now
    this.#timer ??= setInterval(() => {
      this.#cutStalled(now)
      this.#endHold()
    }, this.#options.stallMs / 4).unref()
  }

  /** So many bytes of a response are gone, one way or another; `isIdle`: none are left. */
  remove(writer: OutgoingWriter, bytes: number, isIdle: boolean): void {
    this.#unsentBytes -= bytes
    if (isIdle) this.#writers.delete(writer)
    if (this.#unsentBytes > highWaterBytes / 2) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#highBytes = highWaterBytes
    this.#relieve()
  }

  /** Counts from when the client became congested: before that, nobody had to read in a hurry. */
  #cutStalled(since: number): void {
    const longAgo = performance.now() - cutAfter * this.#options.stallMs
    for (const writer of [...this.#writers]) {
      if (Math.max(writer.takenAt, since) <= longAgo) this.#cut(writer)
    }
  }

  #endHold(): void {
    if (this.#congestedAt === undefined) return
    if (performance.now() - this.#congestedAt < this.#options.stallMs) return
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
    this.#congestedAt = undefined
    this.#options.onDrained()
  }

  #cut(writer: OutgoingWriter): void {
    this.#options.onStalled()
    writer.destroy()
  }
}
