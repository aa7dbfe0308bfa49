/** Keeps what a client sends from being read while a server does not keep up. */
export class InputGate {
  #holds = 0
  #waiting: (() => void)[] = []

  hold(): void {
    this.#holds++
  }

  /** Once for each `hold`. */
  release(): void {
    this.#holds--
    // What is read may well hold it again.
    while (this.#holds === 0) {
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

  /** Calls `go` now, or as soon as nothing holds. */
  pass(go: () => void): void {
    if (this.#holds <= 0) go()
    else this.#waiting.push(go)
  }
}
