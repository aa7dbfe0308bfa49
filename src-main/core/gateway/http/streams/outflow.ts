/** When a client counts as slow, and what then. */
export interface OutflowOptions {
  /** How long a response of a congested client may take nothing at all before it is cut off, in milliseconds. */
  readonly stallMs: number
  readonly onDrained: () => void
  readonly onStalled: () => void
}

/** What writes to one of a client's responses. */
interface OutgoingWriter {
  /** When the client last took something, or was first to; as performance.now() tells. */
  readonly takenAt: number
  /** Cuts the connection off. */
  destroy(): void
}

/** Bytes waiting over all of a client's responses from which on it is congested, until half of them are gone. */
const highWaterBytes = 8 * 1024 * 1024

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
    const oldest = performance.now() - this.#options.stallMs
    if (since > oldest) return
    for (const writer of [...this.#writers]) {
      if (writer.takenAt > oldest) continue
      this.#options.onStalled()
      writer.destroy()
    }
  }
}
