// One client of an HTTP test server: what it is sent goes to the stream of the call that caused it, or to the standalone one.
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { EventStream, parseEventId } from './event-streams.ts'
import type { HttpOptions } from './http-options.ts'
import { cut } from './json-span.ts'
import { answerRequest, type ServerPlan } from './kit.ts'
import { Peer } from './peer.ts'

const standaloneName = 'standalone'

/** Messages of these methods belong to the call during which they are sent; so do questions, unless told otherwise. */
const methodsOfCalls = new Set(['notifications/progress', 'notifications/message'])

/** A session, or what stands for all clients of a server that has none. */
export class HttpSession {
  readonly id = randomUUID()
  readonly peer: Peer
  readonly #options: HttpOptions
  readonly #current = new AsyncLocalStorage<EventStream>()
  readonly #streams = new Map<string, EventStream>()
  readonly #ended = new WeakSet<EventStream>()
  #calls = 0

  constructor(options: HttpOptions) {
    this.#options = options
    this.#createStream(standaloneName)
    this.peer = new Peer((bytes) => {
      const message = bytes.subarray(0, -1)
      this.#findStream(message).send(message)
    })
  }

  /** Where messages go that belong to no call. */
  get standalone(): EventStream {
    return this.#streams.get(standaloneName)!
  }

  /** Works on a request whose messages go to the standalone stream. */
  answer(plan: ServerPlan, line: Buffer): Promise<Buffer | undefined> {
    return answerRequest(plan, line, this.peer)
  }

  /** Works on a request and answers with a stream of events of its own. */
  async answerWithStream(plan: ServerPlan, line: Buffer, response: ServerResponse): Promise<void> {
    const name = `call${++this.#calls}`
    const stream = this.#createStream(name)
    stream.attach(response)
    if (this.#options.polling) stream.detach()
    else if (this.#options.cutting) stream.cut()
    const answer = await this.#current.run(stream, () => answerRequest(plan, line, this.peer))
    if (answer === undefined) return
    stream.send(answer)
    stream.end()
    // What is sent from now on, by timers of the call, has no stream of its own.
    if (!this.#options.eventIds) this.#streams.delete(name)
    this.#ended.add(stream)
  }

  /** Goes on with a stream after the event with this id; false when there is no such stream. */
  resume(lastEventId: string, response: ServerResponse): boolean {
    const place = parseEventId(lastEventId)
    const stream = place && this.#streams.get(place.name)
    stream?.attach(response, place!.next)
    return stream !== undefined
  }

  #createStream(name: string): EventStream {
    const { eventIds, retryMs } = this.#options
    const stream = new EventStream({ name, eventIds, retryMs })
    this.#streams.set(name, stream)
    return stream
  }

  #findStream(message: Buffer): EventStream {
    const call = this.#current.getStore()
    if (call === undefined || this.#ended.has(call)) return this.standalone
    const method = JSON.parse(String(cut(message, 'method') ?? 'null')) as string | null
    const isQuestion = method !== null && cut(message, 'id') !== undefined
    const isOfCall = isQuestion
      ? this.#options.questions === 'call'
      : method === null || methodsOfCalls.has(method)
    return isOfCall ? call : this.standalone
  }
}
