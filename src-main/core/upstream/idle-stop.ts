import type { Connection } from './connection/connection.ts'

/** Stops a server of which nothing was asked for a while. */
export class IdleStop {
  readonly #findConnection: () => Connection | undefined
  readonly #isWatched: () => boolean
  readonly #onIdle: (seconds: number) => void
  #seconds = 0
  #lastUse = 0
  #timer: NodeJS.Timeout | undefined

  /** `onIdle` is called once the server was idle for so many seconds, and not again until `adjust`. */
  constructor(
    findConnection: () => Connection | undefined,
    isWatched: () => boolean,
    onIdle: (seconds: number) => void,
  ) {
    this.#findConnection = findConnection
    this.#isWatched = isWatched
    this.#onIdle = onIdle
  }

  noteUse(): void {
    this.#lastUse = performance.now()
  }

  /** From now on it may be idle for so many seconds; 0 is for ever. */
  adjust(seconds: number): void {
    this.#seconds = seconds
    this.noteUse()
    this.#schedule(seconds * 1000)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer)
    if (this.#seconds === 0) return
    this.#timer = setTimeout(() => {
      const { requests } = this.#findConnection() ?? {}
      if (requests === undefined) return
      // Our own requests, such as those for its lists, come to their end before it is stopped.
      const isBusy = requests.size > 0 || this.#isWatched()
      const lastUse = Math.max(this.#lastUse, requests.lastUsed)
      const rest = this.#seconds * 1000 - (performance.now() - lastUse)
      if (isBusy) this.#schedule(Math.min(1000, this.#seconds * 1000))
      else if (rest > 0) this.#schedule(rest)
      else this.#onIdle(this.#seconds)
    }, milliseconds).unref()
  }
}
