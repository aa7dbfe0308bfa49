import type { Readable, Writable } from 'node:stream'
import { errorLine, rpcCodes } from '#base/json-rpc.ts'
import { findQuestionId } from '#base/json-edges.ts'
import { LineSplitter } from '#base/json-lines.ts'
import { LineWriter } from '#base/line-writer.ts'
import type { Parts } from '#base/splice.ts'
import type { Logger } from '../observe/logger.ts'
import type { ClientLink } from '../router/router.ts'
import type { ClientPort } from '../router/session/client-port.ts'

/** The streams of one client and how much of it is kept waiting. */
export interface ClientStreams {
  readonly input: Readable
  readonly output: Writable
  /** Longest message, in bytes. */
  readonly messageBytes: number
  readonly logger: Logger
  /** How long the client may read nothing of more than 8 MiB before it is cut off, in milliseconds. */
  readonly stallMs?: number
}

/** What takes a client's lines: first a hello, where there is one, then its session. */
export interface LineTaker {
  receive(line: Buffer): void
}

/** What a carrier of lines needs of a session. */
type JoinedLink = Pick<ClientLink, 'receive' | 'onDrained' | 'close'>

const highWaterBytes = 8 * 1024 * 1024
const defaultStallMs = 10_000
/** More is not kept for a client that reads, but slowly. */
const mostBytes = 128 * 1024 * 1024

/** Carries lines between a client and whoever takes them, each side only as fast as the other reads. */
export class ClientCarrier implements ClientPort {
  readonly #streams: ClientStreams
  readonly #writer: LineWriter
  #taker: LineTaker | undefined
  #link: JoinedLink | undefined
  #holds = 0
  #isClosed = false
  readonly #onClosed: () => void

  constructor(streams: ClientStreams, onClosed: () => void) {
    this.#streams = streams
    this.#onClosed = onClosed
    const { input, output, messageBytes, logger } = streams
    this.#writer = new LineWriter(output, {
      highWaterBytes,
      mostBytes,
      stallMs: streams.stallMs ?? defaultStallMs,
      onCongested: () => {
        this.holdInput()
      },
      onDrained: () => {
        this.releaseInput()
        this.#link?.onDrained()
      },
      onStalled: () => {
        logger.warning('A client does not read what it asked for; its connection is closed.')
        this.close()
      },
    })
    const splitter = new LineSplitter({
      maxBytes: messageBytes,
      onLine: (line) => {
        this.#taker?.receive(line)
      },
      onTooLong: (first) => {
        const message = `The message is longer than ${messageBytes} bytes (limits.messageBytes).`
        this.send(errorLine(findQuestionId(first), { code: rpcCodes.invalidRequest, message }))
      },
    })
    input.on('data', (chunk: Buffer) => {
      splitter.push(chunk)
    })
    input.on('end', () => {
      splitter.end()
      this.close()
    })
    for (const stream of new Set([input, output])) {
      stream.on('error', (error: Error) => {
        logger.debug('The connection to a client broke.', { error: error.message })
        this.close()
      })
      stream.on('close', () => {
        this.close()
      })
    }
  }

  get isCongested(): boolean {
    return this.#writer.isCongested
  }

  /** Who takes the lines that come from now on. */
  giveTo(taker: LineTaker): void {
    this.#taker = taker
  }

  /** The client's session, which takes the lines that come from now on. */
  join(link: JoinedLink): void {
    this.#taker = link
    this.#link = link
  }

  send(parts: Parts): void {
    this.#writer.write(parts)
  }

  answer(...[, parts]: Parameters<ClientPort['answer']>): void {
    this.#writer.write(parts)
  }

  end(): void {
    // On one stream for all there is nothing to end.
  }

  holdInput(): void {
    if (this.#holds++ === 0) this.#streams.input.pause()
  }

  releaseInput(): void {
    if (--this.#holds === 0) this.#streams.input.resume()
  }

  /** Ends the connection after what is still to be sent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#taker = undefined
    this.#link?.close()
    this.#writer.end()
    this.#onClosed()
  }
}
