import type { HttpClient, HttpExchange, HttpListener, HttpRequest } from '#core/upstream/http/http-client.ts'
import { toNetworkTrouble } from '#core/upstream/http/http-trouble.ts'

/** A request that was sent, and all that came of it. */
export interface NotedExchange {
  readonly exchange: HttpExchange
  /** What came: the status, the data, then `end` or the reason of the error. */
  readonly told: string[]
  /** Settles with the end or the error. */
  readonly over: Promise<void>
  /** Run when the head of the response has come. */
  readonly onHead: { run: () => void }
}

/** Sends a request and notes all that comes of it. */
export function sendNoted(
  client: HttpClient,
  url: string,
  request: Partial<HttpRequest> = {},
  connectMs = 10_000,
): NotedExchange {
  const told: string[] = []
  const onHead = { run: (): void => undefined }
  let exchange: HttpExchange | undefined
  const over = new Promise<void>((resolve) => {
    const listener: HttpListener = {
      onResponse: (response) => {
        told.push(`${response.status} ${response.header('content-type') ?? '-'}`)
        onHead.run()
      },
      onData: (chunk) => told.push(chunk.toString()),
      onEnd: () => {
        told.push('end')
        resolve()
      },
      onError: (error) => {
        told.push(`${toNetworkTrouble(error).kind}: ${toNetworkTrouble(error).reason}`)
        resolve()
      },
    }
    exchange = client.send({ method: 'GET', headers: {}, ...request, url: new URL(url) }, connectMs, listener)
  })
  if (exchange === undefined) throw new Error('Whoever sends has the exchange at once.')
  return { exchange, told, over, onHead }
}
