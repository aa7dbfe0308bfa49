/** How much may pass a gate. */
export interface FloodLimits {
  /** What may pass at once after a calm, in bytes. */
  readonly burstBytes: number
  /** What may pass in the long run. */
  readonly bytesPerSecond: number
  /** Once shut, the gate opens again when so much may pass: then what is left out is in one piece. */
  readonly resumeBytes: number
}

/** Lets so many bytes a second through, and more after a calm (a token bucket). Times are in milliseconds. */
export class FloodGate {
  readonly #limits: FloodLimits
  #room: number
  #filledAt: number
  #isShut = false

  constructor(limits: FloodLimits, now: number) {
    this.#limits = limits
    this.#room = limits.burstBytes
    this.#filledAt = now
  }

  /** Whether so many bytes may pass now. */
  admits(bytes: number, now: number): boolean {
    const { burstBytes, bytesPerSecond, resumeBytes } = this.#limits
    const gained = ((now - this.#filledAt) * bytesPerSecond) / 1000
    this.#room = Math.min(burstBytes, this.#room + gained)
    this.#filledAt = now
    if (this.#isShut && this.#room < resumeBytes) return false
    this.#isShut = this.#room < bytes
    if (!this.#isShut) this.#room -= bytes
    return !this.#isShut
  }
}
