import type { Parts } from '#base/splice.ts'
import type { EventStore } from './event-store.ts'
import type { EventStream } from './event-stream.ts'

const keptMs = 5 * 60 * 1000
/** The system taking the end of a stream does not mean that its client has it. */
const keptDeliveredMs = 60_000

/** What a stream is. */
export interface StreamOptions {
  readonly name: string
  readonly isOfCall: boolean
  readonly store: EventStore
  /** Nobody came for the rest of it within 5 minutes, or within one where all of it went out. */
  readonly onForgotten: () => void
}

/** One stream of events of a session, over as many connections, one at a time, as it takes to carry it. */
export class ResumableStream {
  /** Unique in its session. */
  readonly name: string
  /** Whether it is the one of a call, which may end before its connection does. */
  readonly isOfCall: boolean
  readonly #store: EventStore
  readonly #onForgotten: () => void
  #connection: EventStream | undefined
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor({ name, isOfCall, store, onForgotten }: StreamOptions) {
    this.name = name
    this.isOfCall = isOfCall
    this.#store = store
    this.#onForgotten = onForgotten
  }

  /** Whether somebody is there to read it. */
  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  /** Goes on over this connection, with all that came after an event. The one before, if there is one, is ended. */
  attach(connection: EventStream, after: number): void {
    clearTimeout(this.#timer)
    this.#connection?.end()
    this.#connection = connection
    for (const { number, message } of this.#store.after(this.name, after)) {
      connection.send(this.#toFields(number), message)
    }
    if (this.#isOver) connection.end()
  }

  /** Begins with an event that carries nothing but its id, so that what comes can be asked for once the connection broke. */
  prime(): void {
    this.#connection?.send(this.#toFields(0), [])
  }

  /** Sends a message, or keeps it for whoever asks for it. */
  send(message: Parts): void {
    const number = this.#store.add(this.name, message)
    this.#connection?.send(this.#toFields(number), message)
  }

  /** Nothing will come any more. */
  finish(): void {
    this.#isOver = true
    if (this.#connection === undefined) this.#forgetLater(keptMs)
    else this.#connection.end()
  }

  /** A connection of this stream is closed. */
  onClosed(connection: EventStream): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#forgetLater(this.#isOver && connection.isDelivered ? keptDeliveredMs : keptMs)
  }

  /** Nothing of what it carried is there any more. */
  onEmptied(): void {
    if (this.#isOver && this.#connection === undefined) this.forget()
  }

  /** Ends it, with no word of what it carried. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#isOver = true
    this.#connection?.end()
    this.#connection = undefined
    this.#store.drop(this.name)
    this.#onForgotten()
  }

  #forgetLater(milliseconds: number): void {
    // The call that it is of has its own end.
    if (this.isOfCall && !this.#isOver) return
    this.#timer = setTimeout(() => {
      this.forget()
    }, milliseconds)
    this.#timer.unref()
  }

  #toFields(number: number): string {
    return `id: ${this.name}-${number}\n`
  }
}
