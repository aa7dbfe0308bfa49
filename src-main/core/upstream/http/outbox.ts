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

/** How many requests may be under way; beyond that only pings go, up to so many more. */
const mostInFlight = 128
const pingPlaces = 8
/** As we write it ourselves; what clients send has other members in it, or may. */
const ownPing = /^\{"jsonrpc":"2\.0","id":\d+,"method":"ping"\}$/
const longestPing = 64

interface Waiting {
  readonly message: Outgoing
  /** Grows with each message. */
  readonly order: number
}

/** Messages that wait to be posted, in the order in which they came. */
export class Outbox {
  #requests: Waiting[] = []
  /** Pass the requests by: a server that is busy must not count as dead for that. */
  #pings: Waiting[] = []
  #others: Waiting[] = []
  #order = 0

  /** Whether something has to wait for a place while so many requests are under way. */
  isBlocked(inFlight: number): boolean {
    if (inFlight >= mostInFlight + pingPlaces && this.#pings.length > 0) return true
    return inFlight >= mostInFlight && this.#requests.length > 0
  }

  add(message: Outgoing): void {
    const waiting = { message, order: this.#order++ }
    if (toAskedId(message) === undefined) this.#others.push(waiting)
    else if (isPing(message.body)) this.#pings.push(waiting)
    else this.#requests.push(waiting)
  }

  /** Takes the next one out that may go while so many requests are under way; answers and notifications always may. */
  takeNext(inFlight: number): Outgoing | undefined {
    const lanes = [this.#others]
    if (inFlight < mostInFlight) lanes.push(this.#requests)
    if (inFlight < mostInFlight + pingPlaces) lanes.push(this.#pings)
    const toOrder = (lane: readonly Waiting[]): number => lane[0]?.order ?? Infinity
    return lanes.reduce((best, lane) => (toOrder(lane) < toOrder(best) ? lane : best)).shift()?.message
  }

  /** Takes a request out that is not wanted any more: the server need never hear of it. */
  takeRequest(id: number): Outgoing | undefined {
    for (const lane of [this.#requests, this.#pings]) {
      const at = lane.findIndex(({ message }) => toAskedId(message) === id)
      if (at !== -1) return lane.splice(at, 1)[0]?.message
    }
    return undefined
  }
}

function isPing(body: Buffer): boolean {
  return body.length <= longestPing && ownPing.test(body.toString('latin1'))
}
