import type { Writable } from 'node:stream'
import type { Parts } from './splice.ts'

/** When a reader counts as slow, and what then. */
export interface LineWriterOptions {
  /** Bytes waiting from which on the reader counts as congested, until all of them are gone. */
  readonly highWaterBytes: number
  /** How long it may stay congested before it counts as stalled, in milliseconds. */
  readonly stallMs: number
  readonly onCongested: () => void
  readonly onDrained: () => void
  readonly onStalled: () => void
}

const newline = Buffer.from('\n')
const joinBelowBytes = 64 * 1024

/** Writes lines to a stream, those of one tick together, and tells when the reader does not keep up. */
export class LineWriter {
  readonly #stream: Writable
  readonly #options: LineWriterOptions
  #queue: Buffer[] = []
  #queuedBytes = 0
  #stallTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(stream: Writable, options: LineWriterOptions) {
    this.#stream = stream
    this.#options = options
    stream.on('close', () => {
      this.close()
    })
  }

  get isCongested(): boolean {
    return this.#stallTimer !== undefined
  }

  /** Adds one line. After `close` it is dropped: nobody is there to read it. */
  write(parts: Parts): void {
    if (this.#closed) return
    if (this.#queuedBytes === 0) process.nextTick(this.#flush)
    for (const part of parts) this.#push(part)
    this.#push(newline)
    this.#checkCongestion()
  }

  /** Writes what is still queued and ends the stream. */
  end(): void {
    this.#flush()
    this.close()
    if (!this.#stream.destroyed) this.#stream.end()
  }

  close(): void {
    this.#closed = true
    this.#queue = []
    this.#queuedBytes = 0
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
  }

  #push(part: Buffer): void {
    this.#queue.push(part)
    this.#queuedBytes += part.length
  }

  readonly #flush = (): void => {
    if (this.#closed || this.#queuedBytes === 0) return
    const queue = this.#queue
    const bytes = this.#queuedBytes
    this.#queue = []
    this.#queuedBytes = 0
    if (bytes <= joinBelowBytes) {
      this.#stream.write(Buffer.concat(queue, bytes), this.#onWritten)
      return
    }
    this.#stream.cork()
    for (const part of queue) this.#stream.write(part, this.#onWritten)
    this.#stream.uncork()
  }

  #checkCongestion(): void {
    if (this.isCongested || this.#queuedBytes + this.#stream.writableLength < this.#options.highWaterBytes)
      return
    this.#stallTimer = setTimeout(() => {
      if (!this.#closed) this.#options.onStalled()
    }, this.#options.stallMs)
    this.#options.onCongested()
  }

  readonly #onWritten = (): void => {
    if (!this.isCongested || this.#queuedBytes + this.#stream.writableLength > 0) return
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
    this.#options.onDrained()
  }
}
