import type { HttpExchange, HttpListener } from './http-client.ts'

const farewellMs = 2000

/** Tells the server that a session is over; whether it listens is its own affair. */
export function sayGoodbye(send: (listener: HttpListener) => HttpExchange): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      exchange.abort()
      resolve()
    }, farewellMs)
    const exchange = send({
      onResponse: () => undefined,
      onData: () => undefined,
      onEnd: finish,
      onError: finish,
    })
  })
}
