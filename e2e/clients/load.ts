import { randomInt } from 'node:crypto'
import type { Message } from './message.ts'
import type { RawClient } from './raw-client.ts'

/** Calls to make, all of them to a `sleep` tool that answers with the value it is given. */
export interface Load {
  /** Goes into every value, so that answers tell whose they are. */
  readonly label: string
  /** Name of the tool as the client sees it. */
  readonly tool: string
  readonly calls: number
  readonly inFlight: number
  /** Each call takes 0 to this many milliseconds, at random. */
  readonly maxMs: number
}

/** What came of a load; every list is empty when all is well. */
export interface LoadReport {
  readonly answered: number
  /** Answers with another value than asked for. */
  readonly wrong: string[]
  /** Progress that was not of the call with its token, came for no call of ours, or came after the answer. */
  readonly strayProgress: string[]
  readonly progress: number
}

/** Checks progress of one client as it comes: the token must be that of a call in flight, the message its value. */
function watchProgress(client: RawClient, inFlight: ReadonlyMap<number, string>): string[] {
  const stray: string[] = []
  client.onNotification((message: Message) => {
    if (message.method !== 'notifications/progress') return
    const token = message.get('params', 'progressToken') as number
    if (inFlight.get(token) !== message.get('params', 'message')) stray.push(message.excerpt())
  })
  return stray
}

/**
 * Makes the calls, ids and progress tokens 1 to `calls`, so many in flight at once. Every call asks for one progress
 * notification.
 */
export async function runLoad(client: RawClient, load: Load): Promise<LoadReport> {
  const { label, tool, calls, inFlight: width, maxMs } = load
  const inFlight = new Map<number, string>()
  const wrong: string[] = []
  const strayProgress = watchProgress(client, inFlight)
  const start = client.mark()
  let next = 1
  let answered = 0
  const work = async (): Promise<void> => {
    while (next <= calls) {
      const id = next++
      const value = `${label} ${id}`
      inFlight.set(id, value)
      const params = { name: tool, arguments: { ms: randomInt(maxMs + 1), value, steps: 1 } }
      const answer = await client.request(
        'tools/call',
        { ...params, _meta: { progressToken: id } },
        { id, deadline: 60_000 },
      )
      inFlight.delete(id)
      answered++
      if (answer.raw('result') === undefined || answer.text !== value) wrong.push(answer.excerpt())
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  const all = client.received.slice(start)
  const progress = all.filter((message) => message.method === 'notifications/progress').length
  return { answered, wrong, strayProgress, progress }
}
