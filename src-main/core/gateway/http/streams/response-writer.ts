import type { ServerResponse } from 'node:http'
import type { Parts } from '#base/splice.ts'
import type { Outflow } from './outflow.ts'

const joinBelowBytes = 64 * 1024
/** What is handed to the response at once: the client has taken something whenever as much is gone. */
const batchBytes = 512 * 1024

/** Writes pieces to a response, those of one tick together, only as fast as the client reads. */
export class ResponseWriter {
  readonly #response: ServerResponse
  readonly #outflow: Outflow
  #queue: Buffer[] = []
  #queuedBytes = 0
  #writtenBytes = 0
  #isDue = false
  #isEnding = false
  /** When the client last took something, or was first to; as performance.now() tells. */
  takenAt = 0

  constructor(response: ServerResponse, outflow: Outflow) {
    this.#response = response
    this.#outflow = outflow
    response.on('close', () => {
      this.#drop()
    })
  }

  /** Adds pieces. Once the response is closed they are dropped: nobody is there to read them. */
  write(parts: Parts): void {
    if (this.#isEnding || this.#response.destroyed) return
    let bytes = 0
    for (const part of parts) bytes += part.length
    if (this.unsentBytes === 0) this.takenAt = performance.now()
    this.#queue.push(...parts)
    this.#queuedBytes += bytes
    if (!this.#isDue && this.#writtenBytes === 0) {
      this.#isDue = true
      process.nextTick(this.#flush)
    }
    this.#outflow.add(this, bytes)
  }

  /** Writes what is still queued, then ends the response. */
  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (!this.#isDue && this.#writtenBytes === 0) this.#flush()
  }

  /** Cuts the connection off. */
  destroy(): void {
    this.#response.destroy()
    this.#drop()
  }

  /** What it was given and has not taken yet, in bytes. */
  get unsentBytes(): number {
    return this.#queuedBytes + this.#writtenBytes
  }

  readonly #flush = (): void => {
    this.#isDue = false
    if (this.#response.destroyed) return
    if (this.#queuedBytes > 0) this.#writeBatch()
    else if (this.#isEnding && this.#writtenBytes === 0) this.#response.end()
  }

  #writeBatch(): void {
    const batch = this.#takeBatch()
    if (this.#writtenBytes <= joinBelowBytes) {
      const bytes = Buffer.concat(batch, this.#writtenBytes)
      // All that there will be: the response's end goes out with it.
      if (this.#isEnding && this.#queuedBytes === 0) this.#response.end(bytes, this.#onWritten)
      else this.#response.write(bytes, this.#onWritten)
      return
    }
    for (const part of batch.slice(0, -1)) this.#response.write(part)
    this.#response.write(batch.at(-1), this.#onWritten)
  }

  /** The pieces to hand over next; the last one is cut where the batch is full. */
  #takeBatch(): Buffer[] {
    const batch: Buffer[] = []
    let room = Math.min(batchBytes, this.#queuedBytes)
    this.#writtenBytes = room
    this.#queuedBytes -= room
    let count = 0
    for (const part of this.#queue) {
      if (room === 0) break
      const taken = part.subarray(0, room)
      batch.push(taken)
      room -= taken.length
      if (taken.length < part.length) this.#queue[count] = part.subarray(taken.length)
      else count++
    }
    this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count)
    return batch
  }

  readonly #onWritten = (): void => {
    const bytes = this.#writtenBytes
    // The response was closed meanwhile.
    if (bytes === 0) return
    this.#writtenBytes = 0
    this.takenAt = performance.now()
    this.#outflow.remove(this, bytes, this.#queuedBytes === 0)
    if (!this.#response.writableEnded) this.#flush()
  }

  #drop(): void {
    const bytes = this.unsentBytes
    this.#queue = []
    this.#queuedBytes = 0
    this.#writtenBytes = 0
    if (bytes > 0) this.#outflow.remove(this, bytes, true)
  }
}
