import { smallBytes } from '../bodies/body.ts'

/** How much passes while something holds, in bytes. */
const mostPassedBytes = 8 * 1024 * 1024

/**
 * Keeps what a client sends from being read while a server does not keep up. Small messages pass all the same, up to a
 * point: answers, and that something is taken back, must not wait behind what holds them up.
 */
export class InputGate {
  #holds = 0
  #passedBytes = 0
  #waiting: (() => void)[] = []

  hold(): void {
    this.#holds++
  }

  /** Once for each `hold`. */
  release(): void {
    this.#holds--
    if (this.#holds > 0) return
    this.#passedBytes = 0
    // What is read may well hold it again.
    while (this.#holds <= 0) {
      const go = this.#waiting.shift()
      if (go === undefined) return
      go()
    }
  }

  /** Nothing is held any more, whatever comes. */
  end(): void {
    this.#holds = -Infinity
    for (const go of this.#waiting.splice(0)) go()
  }

  /** Calls `go` for a message of so many bytes, now or as soon as nothing holds. */
  pass(bytes: number, go: () => void): void {
    if (this.#holds <= 0 || this.#isLetThrough(bytes)) go()
    else this.#waiting.push(go)
  }

  #isLetThrough(bytes: number): boolean {
    if (bytes > smallBytes || this.#passedBytes + bytes > mostPassedBytes) return false
    this.#passedBytes += bytes
    return true
  }
}
