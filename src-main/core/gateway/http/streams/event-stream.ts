import type { ServerResponse } from 'node:http'
import type { Parts } from '#base/splice.ts'
import type { Reply } from '../answers.ts'
import { withoutLineEnds } from '../one-line.ts'
import type { Outflow } from './outflow.ts'
import { ResponseWriter } from './response-writer.ts'

/** From one comment to the next on a stream that is silent, in milliseconds: less than what proxies cut off after. */
export const keepAliveMs = 15_000

/** Headers of a response that is a stream, names and values in turn; nobody on the way is to keep or gather it. */
const streamHeaders = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache, no-store, no-transform',
  'X-Accel-Buffering',
  'no',
]

/** Answers with a stream that is over already. */
export function sendEmptyStream({ response, headers }: Reply): void {
  response.writeHead(200, [...headers, ...streamHeaders])
  response.end()
}

const comment = [Buffer.from(': keep-alive\n\n')]
const beforeData = Buffer.from('data: ')
const eventEnd = Buffer.from('\n\n')

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
    this.#writer.write([Buffer.from(fields), beforeData, ...message.map(withoutLineEnds), eventEnd])
  }

  /** Sends what is still to be sent, then ends the stream. */
  end(): void {
    clearInterval(this.#timer)
    this.#writer.end()
  }
}
