import { onTestFinished } from 'vitest'
import type { HttpTransport } from '#core/config/config.ts'
import { Connection } from '#core/upstream/connection/connection.ts'
import { HttpClient } from '#core/upstream/http/http-client.ts'
import { openHttpCarrier } from '#core/upstream/http/open-http-carrier.ts'
import { toOpening } from './fake-carrier.ts'
import { createLogRecorder, type LogRecorder } from './log-recorder.ts'
import { openHttpBench, type BenchRequest, type HttpBench } from './upstream-http-bench.ts'

/** How a connection over HTTP begins. */
export interface HttpPairOptions {
  readonly type?: HttpTransport['type']
  /** What the test answers by hand: methods of JSON-RPC or of HTTP. */
  readonly byHand?: readonly string[]
  /** The id of the session; none when it is ''. */
  readonly session?: string
  readonly messageBytes?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A connection to a server of the bench, and all that it told. */
export interface HttpPair extends LogRecorder {
  readonly bench: HttpBench
  readonly connection: Connection
  /** In order: requests, notifications, drained, doubtful, expired, closed; with `@` the request whose stream brought it. */
  readonly told: string[]
  /** Sends a request of a session and gives what becomes of it: the result, or the kind of failure and its reason. */
  readonly ask: (method: string, onId?: (id: number) => void) => Promise<string>
}

/** Answers as a server does that says nothing unasked: opening, notifications, farewell. */
function toRule({ byHand = [], session = 'session-1' }: HttpPairOptions): HttpBench['rule'] {
  return (request) => {
    const name = request.message.method ?? request.method
    if (byHand.includes(name)) return false
    if (name === 'initialize') openSession(request, session)
    else if (name === 'GET') request.answer(405)
    else if (name === 'DELETE') request.answer(204)
    else if (name.startsWith('notifications/')) request.answer(202)
    else return false
    return true
  }
}

/** Answers an opening. */
export function openSession(request: BenchRequest, session = 'session-1'): void {
  request.result(toOpening(), session === '' ? {} : { 'mcp-session-id': session })
}

/** Connects to a server of the bench, which has not answered the opening yet. */
export async function connectOverHttp(options: HttpPairOptions = {}): Promise<HttpPair> {
  const bench = await openHttpBench()
  bench.rule = toRule(options)
  const client = new HttpClient({ env: {} })
  const { logger, entries } = createLogRecorder()
  const told: string[] = []
  const from = (cause: number | undefined): string => (cause === undefined ? '' : ` @${cause}`)
  const { type = 'http', headers = {}, messageBytes = 1_000_000 } = options
  const target = { client, url: bench.url, headers, connectMs: 10_000, messageBytes, logger }
  const connection = new Connection(
    {
      openCarrier: (listener) => openHttpCarrier(type, target, listener),
      connectMs: 10_000,
      output: { add: (...[, line]) => told.push(`output ${line.toString()}`), redact: (text) => text },
      logger,
    },
    {
      onRequest: (...[, { method }, cause]) => told.push(`request ${method}${from(cause)}`),
      onNotification: (...[, { method }, cause]) => told.push(`notification ${method}${from(cause)}`),
      onDrained: () => told.push('drained'),
      onDoubtful: () => told.push('doubtful'),
      onExpired: () => told.push('expired'),
      onClosed: (...[, reason]) => told.push(`closed: ${reason}`),
    },
  )
  connection.opened.catch(() => undefined)
  onTestFinished(async () => {
    connection.abandon('the test is over')
    bench.rule = (request) => {
      request.answer(204)
      return true
    }
    await connection.stop()
    await client.close()
  })
  return { bench, connection, told, logger, entries, ask: (...args) => ask(connection, ...args) }
}

/** The same, with an open session. */
export async function openHttpPair(options: HttpPairOptions = {}): Promise<HttpPair> {
  const pair = await connectOverHttp(options)
  await pair.connection.opened
  // What was early is told right after the opening.
  await new Promise(setImmediate)
  return pair
}

function ask(
  connection: Connection,
  method: string,
  onId: (id: number) => void = () => undefined,
): Promise<string> {
  return new Promise((resolve) => {
    const id = connection.requests.add({
      method,
      session: 1,
      timeoutMs: 20_000,
      resetOnProgress: false,
      onAnswer: ({ bytes, result, error }) => {
        const span = result ?? error
        resolve(bytes.toString('utf8', span?.start, span?.end))
      },
      onTimeout: () => 'give-up',
      onLost: (reason) => {
        resolve(`lost: ${reason}`)
      },
      onFailed: ({ kind, reason }) => {
        resolve(`${kind}: ${reason}`)
      },
    })
    onId(id)
    connection.send([Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}"}`)], { asks: id })
  })
}
