// A client of the soak: it calls servers in turn and checks every answer.
import { randomInt } from 'node:crypto'
import type { Message } from '../e2e/clients/message.ts'
import type { RawClient } from '../e2e/clients/raw-client.ts'
import { waitForTool } from '../e2e/clients/views.ts'
import { crashingServer, goodServers, type Reloader } from './soak-reloader.ts'

/** What came of the calls. */
export interface Tally {
  answered: number
  /** Answers with another text than asked for, or with an error that has no excuse. */
  readonly wrong: string[]
  /** Calls without an answer, or that were lost with a server that does not crash. */
  readonly lost: string[]
  lostOnCrashing: number
  refusedOnCrashing: number
  /** Refused by a server that was being changed at that time. */
  refused: number
}

/** A tally of nothing yet. */
export function createTally(): Tally {
  return { answered: 0, wrong: [], lost: [], lostOnCrashing: 0, refusedOnCrashing: 0, refused: 0 }
}

/** Who calls, and where it is noted. */
export interface CallerOptions {
  readonly label: string
  readonly tally: Tally
  readonly reloader: Reloader
}

const inFlight = 4
const servers = [...goodServers, crashingServer]

/** One client with a few calls in flight at any time. */
export class Caller {
  readonly #client: RawClient
  readonly #options: CallerOptions
  #number = 0

  constructor(client: RawClient, options: CallerOptions) {
    this.#client = client
    this.#options = options
  }

  /** Opens the session and waits until all servers are listed. */
  async open(): Promise<void> {
    await this.#client.initialize()
    for (const server of servers) await waitForTool(this.#client, `${server}__echo`)
  }

  /** Calls one server after the other until told. */
  async callUntil(isOver: () => boolean): Promise<void> {
    const work = async (): Promise<void> => {
      while (!isOver()) await this.#call(servers[randomInt(servers.length)]!)
    }
    await Promise.all(Array.from({ length: inFlight }, work))
  }

  async #call(server: string): Promise<void> {
    const text = `${this.#options.label} call ${++this.#number}`
    // Some take a while, so that there is always one in flight on a server that is changed or crashes.
    const isSlow = randomInt(50) === 0
    const args = isSlow ? { seconds: randomInt(20) / 10, text } : { text }
    const name = `${server}__${isSlow ? 'sleep' : 'echo'}`
    let answer: Message
    try {
      answer = await this.#client.request('tools/call', { name, arguments: args }, { deadline: 60_000 })
    } catch (error) {
      this.#options.tally.lost.push(`${name} ${text}: ${String(error).slice(0, 300)}`)
      return
    }
    this.#check(answer, server, text)
    // What was received is kept for tests to look at; here it would only grow.
    this.#client.received.length = 0
  }

  #check(answer: Message, server: string, text: string): void {
    const { tally, reloader } = this.#options
    const { error } = answer
    if (error === undefined) {
      if (answer.text === text) tally.answered += 1
      else tally.wrong.push(`${text}: ${answer.excerpt()}`)
      return
    }
    const { code } = (error.data ?? {}) as { code?: string }
    const told = `${server} ${text}: ${answer.excerpt()}`
    if (code === 'server-lost' && server === crashingServer) tally.lostOnCrashing += 1
    else if (code === 'server-lost') tally.lost.push(told)
    else if (code !== 'server-unavailable') tally.wrong.push(told)
    else if (server === crashingServer) tally.refusedOnCrashing += 1
    else if (reloader.isBeingChanged(server)) tally.refused += 1
    else tally.wrong.push(told)
  }
}
