import type { Logger } from '../observe/logger.ts'

/** How many wrong tokens are answered in full, and within which time in milliseconds. */
export interface WrongTokenLimits {
  readonly count: number
  readonly withinMs: number
}

const usualLimits: WrongTokenLimits = { count: 20, withinMs: 10_000 }

/**
 * Counts wrong tokens, on the socket and over HTTP alike. Only wrong ones are held back: all clients are on this
 * computer, and none must be locked out by what another does.
 */
export class WrongTokens {
  readonly #logger: Logger
  readonly #limits: WrongTokenLimits
  /** When the last ones came; as performance.now() tells. */
  #times: number[] = []
  #untold = 0

  constructor(logger: Logger, limits: WrongTokenLimits = usualLimits) {
    this.#logger = logger
    this.#limits = limits
  }

  /** Notes a wrong token that came this way; gives for how many seconds others need not be tried, or 0. */
  note(carrier: 'socket' | 'http'): number {
    const now = performance.now()
    const { count, withinMs } = this.#limits
    this.#times = this.#times.filter((time) => now - time < withinMs)
    const [first = now] = this.#times
    if (this.#times.length < count) {
      this.#times.push(now)
      this.#logger.warning('A client was not let in.', { code: 'bad-token', carrier })
      return 0
    }
    if (this.#untold++ === 0) this.#tellLater()
    return Math.max(1, Math.ceil((first + withinMs - now) / 1000))
  }

  #tellLater(): void {
    setTimeout(() => {
      this.#logger.warning('More clients came with wrong tokens.', { count: this.#untold })
      this.#untold = 0
    }, this.#limits.withinMs).unref()
  }
}
