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
 * The very last one stays, however large: it may be the answer that somebody waits for. Holds messages by reference.
 */
export class EventStore {
  readonly #limits: EventLimits
  readonly #streams = new Map<string, StreamEvents>()
  /** Streams in the order of their events, with those of streams that are gone still among them. */
  #order: { stream: string; bytes: number }[] = []
  #bytes = 0

  constructor(limits: EventLimits = usualLimits) {
    this.#limits = limits
  }

  /** Keeps a message and gives its place in its stream. */
  add(stream: string, message: Parts): number {
    const kept = this.#streams.get(stream) ?? { events: [], nextNumber: 1 }
    this.#streams.set(stream, kept)
    const number = kept.nextNumber++
    kept.events.push({ number, message })
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
    this.#streams.get(oldest.stream)?.events.shift()
    this.#bytes -= oldest.bytes
  }
}

function toLength(message: Parts): number {
  return message.reduce((sum, part) => sum + part.length, 0)
}
