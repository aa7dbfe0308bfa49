import type { Parts } from '#base/splice.ts'

/** One event that was sent on a stream, kept for a client that lost its connection. */
export interface StoredEvent {
  /** Where it stands in its stream, from 1. */
  readonly number: number
  readonly message: Parts
}

interface StreamEvents {
  readonly events: StoredEvent[]
  nextNumber: number
}

/** How much a store keeps. */
export interface EventLimits {
  readonly bytes: number
  readonly events: number
}

const usualLimits: EventLimits = { bytes: 4 * 1024 * 1024, events: 1024 }

/**
 * The events of one session's streams, the last of them: when there are too many, the oldest go, of whatever stream.
 * The very last one stays, however large: it may be the answer that somebody waits for.
 */
export class EventStore {
  readonly #limits: EventLimits
  readonly #streams = new Map<string, StreamEvents>()
  /** Streams in the order of their events, with those of streams that are gone still among them. */
  #order: { stream: string; bytes: number }[] = []
  #bytes = 0
  readonly #onEmptied: (stream: string) => void

  /** `onEmptied`: the last event of a stream had to go. */
  constructor(onEmptied: (stream: string) => void = () => undefined, limits: EventLimits = usualLimits) {
    this.#onEmptied = onEmptied
    this.#limits = limits
  }

  /** Keeps a message and gives its place in its stream. */
  add(stream: string, message: Parts): number {
    const kept = this.#streams.get(stream) ?? { events: [], nextNumber: 1 }
    this.#streams.set(stream, kept)
    const number = kept.nextNumber++
    kept.events.push({ number, message: toKept(message) })
    const bytes = toLength(message)
    this.#order.push({ stream, bytes })
    this.#bytes += bytes
    while (this.#order.length > this.#limits.events || this.#bytes > this.#limits.bytes) {
      if (this.#order.length === 1) break
      this.#removeOldest()
    }
    return number
  }

  /** What came after an event of a stream, as far as it is still there. */
  after(stream: string, number: number): readonly StoredEvent[] {
    return (this.#streams.get(stream)?.events ?? []).filter((event) => event.number > number)
  }

  /** Forgets what a stream carried; its numbers go on where they were. */
  clear(stream: string): void {
    const kept = this.#streams.get(stream)
    if (kept === undefined) return
    kept.events.length = 0
    this.#order = this.#order.filter((entry) => {
      if (entry.stream === stream) this.#bytes -= entry.bytes
      return entry.stream !== stream
    })
  }

  /** Forgets a stream. */
  drop(stream: string): void {
    this.clear(stream)
    this.#streams.delete(stream)
  }

  #removeOldest(): void {
    const oldest = this.#order.shift()
    if (oldest === undefined) return
    this.#bytes -= oldest.bytes
    const events = this.#streams.get(oldest.stream)?.events
    events?.shift()
    if (events?.length === 0) this.#onEmptied(oldest.stream)
  }
}

/** A message to be kept: a piece of something much larger, which it would keep with it, is copied out of it. */
export function toKept(message: Parts): Parts {
  return message.map((part) => {
    if (part.buffer.byteLength <= 2 * part.length) return part
    const own = Buffer.allocUnsafeSlow(part.length)
    part.copy(own)
    return own
  })
}

/** The bytes of a message. */
export function toLength(message: Parts): number {
  return message.reduce((sum, part) => sum + part.length, 0)
}
