import type { IncomingMessage } from 'node:http'
import type { BodyBudget } from './body-budget.ts'

/**
 * What came of reading a body. `broken`: the connection ended before it did; `too-slow`: it did not come to its end in
 * time.
 */
export type BodyOutcome = Buffer | 'too-large' | 'too-slow' | 'broken'

/** How a body is read. */
export interface BodyLimits {
  /** Longest body. */
  readonly mostBytes: number
  /** How long it may take while we read it, in milliseconds. */
  readonly withinMs: number
  readonly budget: BodyBudget
}

/** A body up to this length, in bytes, waits for nothing. */
export const smallBytes = 64 * 1024

/** Reads a request's body and calls `done` once. */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  done: (outcome: BodyOutcome) => void,
): void {
  const reader = new BodyReader(request, limits, done)
  reader.start()
}

class BodyReader {
  readonly #request: IncomingMessage
  readonly #limits: BodyLimits
  readonly #done: (outcome: BodyOutcome) => void
  #chunks: Buffer[] = []
  #length = 0
  #leftMs: number
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #giveBack: (() => void) | undefined
  #isGranted = false
  #isDone = false

  constructor(request: IncomingMessage, limits: BodyLimits, done: (outcome: BodyOutcome) => void) {
    this.#request = request
    this.#limits = limits
    this.#done = done
    this.#leftMs = limits.withinMs
  }

  start(): void {
    this.#startTimer()
    this.#request.on('data', (chunk: Buffer) => {
      this.#onData(chunk)
    })
    this.#request.on('end', () => {
      const [first] = this.#chunks
      const isOne = this.#chunks.length === 1 && first !== undefined
      this.#finish(isOne ? first : Buffer.concat(this.#chunks, this.#length))
    })
    this.#request.on('close', () => {
      this.#finish('broken')
    })
  }

  #onData(chunk: Buffer): void {
    if (this.#isDone) return
    this.#length += chunk.length
    if (this.#length > this.#limits.mostBytes) {
      this.#finish('too-large')
      return
    }
    this.#chunks.push(chunk)
    if (this.#length <= smallBytes || this.#giveBack !== undefined) return
    const announced = Number(this.#request.headers['content-length'] ?? this.#limits.mostBytes)
    this.#giveBack = this.#limits.budget.reserve(announced, () => {
      this.#isGranted = true
      // While nobody had to wait there is nothing to resume.
      if (this.#timer === undefined) this.#goOn()
    })
    if (!this.#isGranted) this.#wait()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#leftMs -= performance.now() - this.#startedAt
    this.#request.pause()
  }

  #goOn(): void {
    if (this.#isDone) return
    this.#startTimer()
    this.#request.resume()
  }

  #startTimer(): void {
    this.#startedAt = performance.now()
    this.#timer = setTimeout(() => {
      this.#finish('too-slow')
    }, this.#leftMs)
    this.#timer.unref()
  }

  #finish(outcome: BodyOutcome): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#timer)
    this.#chunks = []
    this.#done(outcome)
    this.#giveBack?.()
  }
}
