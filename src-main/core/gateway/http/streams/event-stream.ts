import type { ServerResponse } from 'node:http'
import type { Parts } from '#base/splice.ts'
import type { Reply } from '../answers.ts'
import type { Outflow } from './outflow.ts'
import { ResponseWriter } from './response-writer.ts'

/** From one comment to the next on a stream that is silent, in milliseconds: less than what proxies cut off after. */
export const keepAliveMs = 15_000

/** Headers of a response that is a stream, names and values in turn; nobody on the way is to keep or gather it. */
export const streamHeaders = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache, no-store, no-transform',
  'X-Accel-Buffering',
  'no',
]

const comment = [Buffer.from(': keep-alive\n\n')]
const beforeData = Buffer.from('data: ')
const eventEnd = Buffer.from('\n\n')
const [lineFeed, carriageReturn, space] = [0x0a, 0x0d, 0x20]

/** One response that is a stream of events (HTML standard, "Server-sent events"). Its head goes out at once. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #writer: ResponseWriter
  readonly #timer: NodeJS.Timeout

  constructor({ response, headers }: Reply, outflow: Outflow, onClosed: () => void) {
    this.#response = response
    response.writeHead(200, [...headers, ...streamHeaders])
    response.flushHeaders()
    this.#writer = new ResponseWriter(response, outflow)
    this.#timer = setInterval(() => {
      this.#writer.write(comment)
    }, keepAliveMs)
    this.#timer.unref()
    response.on('close', () => {
      clearInterval(this.#timer)
      onClosed()
    })
  }

  /** Whether all of it went out. */
  get isDelivered(): boolean {
    return this.#response.writableFinished
  }

  /** Sends a message; `fields` are the lines before its data, each with its end. */
  send(fields: string, message: Parts): void {
    this.#writer.write([Buffer.from(fields), beforeData, ...message.map(toOneLine), eventEnd])
  }

  /** Sends what is still to be sent, then ends the stream. */
  end(): void {
    clearInterval(this.#timer)
    this.#writer.end()
  }
}

/**
 * A piece of a message without line ends, which would end its event, and begin others of the sender's choice. JSON has
 * them only between its tokens, where a space is as good.
 */
function toOneLine(part: Buffer): Buffer {
  if (!part.includes(lineFeed) && !part.includes(carriageReturn)) return part
  const copy = Buffer.from(part)
  for (const [index, byte] of copy.entries()) {
    if (byte === lineFeed || byte === carriageReturn) copy[index] = space
  }
  return copy
}
