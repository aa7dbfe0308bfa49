import type { HttpExchange, HttpListener } from './http-client.ts'

/** The exchanges of one carrier: read from or not as one, and ended as one. */
export class OpenExchanges {
  readonly #open = new Set<HttpExchange>()
  #holds = 0

  /** Begins an exchange, which is one of them until it is over or aborted. */
  start(send: (listener: HttpListener) => HttpExchange, listener: HttpListener): HttpExchange {
    const exchange = send({
      ...listener,
      onEnd: () => {
        this.#open.delete(exchange)
        listener.onEnd()
      },
      onError: (error) => {
        this.#open.delete(exchange)
        listener.onError(error)
      },
    })
    this.#open.add(exchange)
    if (this.#holds > 0) exchange.pause()
    return {
      pause: () => {
        exchange.pause()
      },
      resume: () => {
        exchange.resume()
      },
      abort: () => {
        this.#open.delete(exchange)
        exchange.abort()
      },
    }
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
