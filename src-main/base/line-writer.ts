import type { Writable } from 'node:stream'
import type { Parts } from './splice.ts'

/** When a reader counts as slow, and what then. */
export interface LineWriterOptions {
  /** Bytes waiting from which on the reader counts as congested, until all of them are gone. */
  readonly highWaterBytes: number
  /** How long a congested reader may take nothing at all before it counts as stalled, in milliseconds. */
  readonly stallMs: number
  /**
   * For readers that must not hold others up for longer than `stallMs`: one that takes what there is, though slowly, is
   * congested no more then, until as much again is waiting; with more bytes than this it counts as stalled.
   */
  readonly mostBytes?: number
  readonly onCongested: () => void
  readonly onDrained: () => void
  readonly onStalled: () => void
}

const newline = Buffer.from('\n')
/** Not worth waiting for more, since the reader could be at work on it. */
const earlyBytes = 2048
const joinBelowBytes = 64 * 1024
/** What is handed to the stream at once: the reader has taken something whenever as much is gone. */
const batchBytes = 512 * 1024

/** Writes lines to a stream, short ones of one turn together, and tells when the reader does not keep up. */
export class LineWriter {
  readonly #stream: Writable
  readonly #options: LineWriterOptions
  #queue: Buffer[] = []
  #queuedBytes = 0
  #isDue = false
  #isWriting = false
  #stallTimer: NodeJS.Timeout | undefined
  #congestedAt = 0
  /** What counts as congestion. */
  #highBytes: number
  #phase: 'open' | 'ending' | 'closed' = 'open'

  constructor(stream: Writable, options: LineWriterOptions) {
    this.#stream = stream
    this.#options = options
    this.#highBytes = options.highWaterBytes
    stream.on('close', () => {
      this.close()
    })
  }

  get isCongested(): boolean {
    return this.#stallTimer !== undefined
  }

  /** Adds one line. After `end` or `close` it is dropped: nobody is there to read it. */
  write(parts: Parts): void {
    if (this.#phase !== 'open') return
    for (const part of parts) this.#push(part)
    this.#push(newline)
    if (!this.#isWriting) {
      if (this.#queuedBytes >= earlyBytes) this.#flush()
      else if (!this.#isDue) {
        this.#isDue = true
        setImmediate(this.#flush)
      }
    }
    this.#checkCongestion()
  }

  /** Writes what is still queued, then ends the stream. */
  end(): void {
    if (this.#phase !== 'open') return
    this.#phase = 'ending'
    if (!this.#isWriting) this.#flush()
  }

  /** Drops what is still queued. */
  close(): void {
    this.#phase = 'closed'
    this.#queue = []
    this.#queuedBytes = 0
    this.#clearTimer()
  }

  #push(part: Buffer): void {
    this.#queue.push(part)
    this.#queuedBytes += part.length
  }

  readonly #flush = (): void => {
    this.#isDue = false
    if (this.#phase === 'closed' || this.#isWriting) return
    if (this.#queuedBytes === 0) {
      if (this.#phase === 'ending') this.#finish()
      return
    }
    this.#isWriting = true
    const batch = this.#takeBatch()
    const bytes = batch.reduce((sum, part) => sum + part.length, 0)
    if (bytes <= joinBelowBytes) {
      this.#stream.write(Buffer.concat(batch, bytes), this.#onWritten)
      return
    }
    this.#stream.cork()
    for (const part of batch.slice(0, -1)) this.#stream.write(part)
    this.#stream.write(batch.at(-1), this.#onWritten)
    this.#stream.uncork()
  }

  /** The parts to hand to the stream next; the last one is cut where the batch is full. */
  #takeBatch(): Buffer[] {
    if (this.#queuedBytes <= batchBytes) {
      const all = this.#queue
      this.#queue = []
      this.#queuedBytes = 0
      return all
    }
    const batch: Buffer[] = []
    let room = batchBytes
    let count = 0
    for (const part of this.#queue) {
      if (room === 0) break
      const taken = part.subarray(0, room)
      batch.push(taken)
      room -= taken.length
      if (taken.length < part.length) this.#queue[count] = part.subarray(taken.length)
      else count++
    }
    this.#queue = this.#queue.slice(count)
    this.#queuedBytes -= batchBytes
    return batch
  }

  get #waitingBytes(): number {
    return this.#queuedBytes + this.#stream.writableLength
  }

  #checkCongestion(): void {
    if (this.isCongested || this.#waitingBytes < this.#highBytes) return
    this.#congestedAt = performance.now()
    this.#stallTimer = setTimeout(this.#stall, this.#options.stallMs)
    this.#options.onCongested()
  }

  readonly #stall = (): void => {
    if (this.#phase !== 'closed') this.#options.onStalled()
  }

  readonly #onWritten = (): void => {
    this.#isWriting = false
    this.#stallTimer?.refresh()
    if (this.#queuedBytes > 0) {
      this.#bearWithSlowReader()
      this.#flush()
      return
    }
    this.#highBytes = this.#options.highWaterBytes
    this.#relieve()
    if (this.#phase === 'ending') this.#finish()
  }

  /** It takes some, but has kept others waiting for long. */
  #bearWithSlowReader(): void {
    const { stallMs, mostBytes, highWaterBytes } = this.#options
    if (mostBytes === undefined || !this.isCongested || performance.now() - this.#congestedAt < stallMs)
      return
    if (this.#waitingBytes > mostBytes) this.#stall()
    else {
      this.#highBytes = this.#waitingBytes + highWaterBytes
      this.#relieve()
    }
  }

  #relieve(): void {
    if (!this.isCongested) return
    this.#clearTimer()
    this.#options.onDrained()
  }

  #finish(): void {
    this.close()
    if (!this.#stream.destroyed) this.#stream.end()
  }

  #clearTimer(): void {
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
  }
}
