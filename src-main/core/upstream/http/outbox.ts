import type { About } from '../connection/carrier.ts'

/** A message to be posted. */
export interface Outgoing {
  readonly body: Buffer
  readonly about: About | undefined
}

/** The request that a message is, if it is one. */
export function toAskedId({ about }: Outgoing): number | undefined {
  return about !== undefined && 'asks' in about ? about.asks : undefined
}

/** Messages that wait to be posted, in the order in which they came. */
export class Outbox {
  #waiting: Outgoing[] = []

  add(message: Outgoing): void {
    this.#waiting.push(message)
  }

  /** Takes the next one out; where no more requests may go, answers and notifications pass them by. */
  takeNext(mayAsk: boolean): Outgoing | undefined {
    const at = mayAsk ? 0 : this.#waiting.findIndex((message) => toAskedId(message) === undefined)
    return at === -1 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  /** Takes a request out that is not wanted any more: the server need never hear of it. */
  takeRequest(id: number): Outgoing | undefined {
    const at = this.#waiting.findIndex((message) => toAskedId(message) === id)
    return at === -1 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  takeAll(): readonly Outgoing[] {
    const all = this.#waiting
    this.#waiting = []
    return all
  }
}
