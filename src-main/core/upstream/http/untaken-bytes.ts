const highWaterBytes = 32 * 1024 * 1024

/** Counts what was sent and not taken yet, and tells when there is room again after there was too much of it. */
export class UntakenBytes {
  readonly #onDrained: () => void
  #bytes = 0
  #isCongested = false

  constructor(onDrained: () => void) {
    this.#onDrained = onDrained
  }

  get isCongested(): boolean {
    return this.#isCongested
  }

  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > highWaterBytes) this.#isCongested = true
  }

  remove(bytes: number): void {
    this.#bytes -= bytes
    if (!this.#isCongested || this.#bytes > highWaterBytes / 2) return
    this.#isCongested = false
    this.#onDrained()
  }
}
