import {
  Client,
  SdkError,
  SdkErrorCode,
  type JSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/client'
import { product } from '#contract/product.ts'
import { toQuotation } from '#base/plain-text.ts'
import { bytesAt, parseMessage } from '#base/json-rpc.ts'
import type { Carrier } from './carrier.ts'
import { toOwnId } from './pending-requests.ts'

/** What Patchbay can bridge from a server to a client; a client that lacks one of these is answered for by a refusal. */
const bridgedCapabilities = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
}

/** The server said nothing to the opening in time. */
export class OpeningTimedOut extends Error {
  override readonly name = 'OpeningTimedOut'

  constructor(timeoutMs: number) {
    super(`it did not answer the opening “initialize” within ${timeoutMs / 1000} s`)
  }
}

/** The opening of a session with a server, by the SDK. It owns the wire only until `opened` settles. */
export interface Handshake {
  /** The server's answer to `initialize`, byte for byte. Rejects with a sentence that completes "… because". */
  readonly opened: Promise<Buffer>
  /** Whether the answer has come, whatever it was. */
  readonly isAnswered: boolean
  /** A line that came meanwhile; returns whether it belonged to the handshake. */
  take(line: Buffer): boolean
  /** The wire is gone: nothing more will come. */
  abandon(): void
}

/** Opens a session of the legacy era (`initialize`, `notifications/initialized`), in the newest revision both speak. */
export function startHandshake(carrier: Pick<Carrier, 'send' | 'setRevision'>, timeoutMs: number): Handshake {
  let askedId: number | undefined
  const transport: Transport = {
    start: () => Promise.resolve(),
    send: (message) => {
      const parts = [Buffer.from(JSON.stringify(message))]
      if ('method' in message && 'id' in message) {
        askedId = Number(message.id)
        carrier.send(parts, { asks: askedId })
      } else carrier.send(parts)
      return Promise.resolve()
    },
    setProtocolVersion: (revision) => {
      carrier.setRevision(revision)
    },
    close: () => Promise.resolve(),
  }
  const client = new Client(
    { name: product.id, title: product.name, version: product.version },
    { capabilities: bridgedCapabilities },
  )
  let answer: Buffer | undefined
  let isAnswered = false
  const broken = new AbortController()
  const opened = client.connect(transport, { timeout: timeoutMs, signal: broken.signal }).then(
    () => answer ?? Buffer.from('{}'),
    (error: unknown) => {
      if (isTimeout(error)) throw new OpeningTimedOut(timeoutMs)
      throw new Error(toReason(error), { cause: error })
    },
  )
  return {
    opened,
    get isAnswered() {
      return isAnswered
    },
    take: (line) => {
      const message = parseMessage(line)
      if (message.kind !== 'response' || answer !== undefined) return false
      try {
        if (message.id === undefined || toOwnId(line, message.id) !== askedId) return false
        isAnswered = true
        const parsed = { ...(JSON.parse(line.toString()) as JSONRPCMessage), id: askedId }
        if (message.result !== undefined) answer = Buffer.from(bytesAt(line, message.result))
        transport.onmessage?.(parsed)
      } catch (error) {
        broken.abort(error)
      }
      return true
    },
    abandon: () => {
      broken.abort(new Error('the connection was lost'))
    },
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout
}

function toReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return `it refused the opening “initialize”: ${toQuotation(text)}`
}
