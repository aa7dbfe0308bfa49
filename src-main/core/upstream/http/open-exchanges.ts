import type { HttpExchange } from './http-client.ts'

/** The exchanges of one carrier: read from or not as one, and ended as one. */
export class OpenExchanges {
  readonly #open = new Set<HttpExchange>()
  #holds = 0

  add(exchange: HttpExchange): void {
    this.#open.add(exchange)
    if (this.#holds > 0) exchange.pause()
  }

  delete(exchange: HttpExchange): void {
    this.#open.delete(exchange)
  }

  /** Stops reading until as many `release` calls have come. */
  hold(): void {
    if (this.#holds++ === 0) for (const exchange of this.#open) exchange.pause()
  }

  release(): void {
    if (--this.#holds === 0) for (const exchange of this.#open) exchange.resume()
  }

  abortAll(): void {
    for (const exchange of this.#open) exchange.abort()
    this.#open.clear()
  }
}
