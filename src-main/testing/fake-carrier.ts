import type { Parts } from '#base/splice.ts'
import type { Carrier, CarrierListener } from '#core/upstream/connection/carrier.ts'
import { Connection } from '#core/upstream/connection/connection.ts'
import { createLogRecorder, type LogRecorder } from './log-recorder.ts'

/** A message that was sent to the fake server. */
export interface SentMessage {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string }
}

/** Answers by method: a value is the result, a string is a whole line, undefined is no answer. */
export type FakeAnswers = Readonly<Record<string, (message: SentMessage) => unknown>>

/** A right answer to initialize, of a server with these capabilities. */
export function toOpening(capabilities: object = {}): object {
  return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'fake', version: '1' } }
}

/** A carrier to a server that is a table of answers. */
class FakeCarrier implements Carrier {
  isCongested = false
  holds = 0
  stops = 0
  checks = 0
  isSuspendedNow = false
  revision: string | undefined
  readonly forgotten: number[] = []
  readonly sent: SentMessage[] = []
  readonly listener: CarrierListener
  readonly #answers: FakeAnswers

  constructor(listener: CarrierListener, answers: FakeAnswers) {
    this.listener = listener
    this.#answers = answers
  }

  send(parts: Parts): void {
    const message = JSON.parse(Buffer.concat(parts).toString()) as SentMessage
    this.sent.push(message)
    const answer = this.#answers[message.method ?? '']?.(message)
    if (answer === undefined) return
    const line =
      typeof answer === 'string' ? answer : JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer })
    queueMicrotask(() => {
      this.receive(line)
    })
  }

  setRevision(revision: string): void {
    this.revision = revision
  }

  checkNow(): void {
    this.checks++
  }

  forget(request: number): void {
    this.forgotten.push(request)
  }

  /** The server sends a line, on the stream of a request. */
  receive(line: string, cause?: number): void {
    this.listener.onLine(Buffer.from(line), cause)
  }

  /** Messages of one method that were sent to the server. */
  sentOf(method: string): SentMessage[] {
    return this.sent.filter((message) => message.method === method)
  }

  holdReading(): void {
    this.holds++
  }

  releaseReading(): void {
    this.holds--
  }

  isSuspended(): Promise<boolean> {
    return Promise.resolve(this.isSuspendedNow)
  }

  stop(): Promise<void> {
    this.stops++
    return Promise.resolve()
  }
}

/** A connection to a fake server, and all that it told. */
export interface FakeConnection extends LogRecorder {
  readonly connection: Connection
  readonly carrier: FakeCarrier
  /** What the connection told, in order: requests, notifications, drained, closed. */
  readonly told: string[]
}

/** Makes a connection to a server that answers like this, on top of a right answer to initialize. */
export function createFakeConnection(
  answers: FakeAnswers = {},
  options: { connectMs?: number; onRequest?: () => void } = {},
): FakeConnection {
  const { logger, entries } = createLogRecorder()
  const told: string[] = []
  let carrier: FakeCarrier | undefined
  const connection = new Connection(
    {
      openCarrier: (listener) => {
        carrier = new FakeCarrier(listener, { initialize: () => toOpening(), ...answers })
        return carrier
      },
      connectMs: options.connectMs ?? 10_000,
      output: {
        add: (...[, line]) => told.push(`output ${line.toString()}`),
        redact: (text) => text.replace('hunter2', '•••'),
      },
      logger,
    },
    {
      onRequest: (...[, { method }]) => {
        told.push(`request ${method}`)
        options.onRequest?.()
      },
      onNotification: (...[, { method }]) => told.push(`notification ${method}`),
      onDrained: () => told.push('drained'),
      onDoubtful: () => told.push('doubtful'),
      onExpired: () => told.push('expired'),
      onClosed: (...[, reason]) => told.push(`closed: ${reason}`),
    },
  )
  // Whoever looks at `opened` is told; whoever does not must not be disturbed by it.
  connection.opened.catch(() => undefined)
  if (carrier === undefined) throw new Error('A connection opens its carrier at once.')
  return { connection, carrier, told, logger, entries }
}
