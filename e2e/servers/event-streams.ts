// Server-sent events of the HTTP test servers: streams that outlive the responses they are sent on.
import type { ServerResponse } from 'node:http'

/** How a stream tells its events. */
export interface StreamPlan {
  /** First part of event ids, unique in the session. */
  readonly name: string
  /** Whether events have ids. */
  readonly eventIds: boolean
  readonly retryMs: number | undefined
}

/** A stream of events. What cannot be sent yet waits for a response; with ids everything can be asked for again. */
export class EventStream {
  readonly #plan: StreamPlan
  readonly #events: Buffer[] = []
  #next = 0
  #isOver = false
  #response: ServerResponse | undefined

  constructor(plan: StreamPlan) {
    this.#plan = plan
    if (plan.eventIds) this.#add(Buffer.alloc(0))
  }

  /** Adds one message. */
  send(message: Buffer): void {
    this.#add(message)
    this.#flush()
  }

  /** Sends on this response from now on, beginning with event number `from`; by default with what was not sent yet. */
  attach(response: ServerResponse, from = this.#next): void {
    this.#response = response
    this.#next = from
    if (!response.headersSent)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.flushHeaders()
    response.on('close', () => {
      if (this.#response === response) this.#response = undefined
    })
    this.#flush()
  }

  /** Ends the response, not the stream. */
  detach(): void {
    this.#response?.end()
    this.#response = undefined
  }

  /** Cuts the connection once all is out that was sent on it. */
  cut(): void {
    const response = this.#response
    this.#response = undefined
    response?.write(': cut\n\n', () => response.destroy())
  }

  /** Nothing more will be sent. */
  end(): void {
    this.#isOver = true
    this.#flush()
  }

  #add(message: Buffer): void {
    const { name, eventIds, retryMs } = this.#plan
    const index = this.#events.length
    const id = eventIds ? `id: ${name}-${index}\n` : ''
    const retry = index === 0 && retryMs !== undefined ? `retry: ${retryMs}\n` : ''
    const type = message.length > 0 ? 'event: message\n' : ''
    this.#events.push(
      Buffer.concat([Buffer.from(`${type}${id}${retry}data: `), message, Buffer.from('\n\n')]),
    )
  }

  #flush(): void {
    if (this.#response === undefined) return
    for (; this.#next < this.#events.length; this.#next++) this.#response.write(this.#events[this.#next]!)
    if (this.#isOver) this.detach()
  }
}

/** Stream and number of the event after the one with this id; undefined for what is no id of ours. */
export function parseEventId(id: string): { readonly name: string; readonly next: number } | undefined {
  const match = /^(.+)-(\d+)$/.exec(id)
  return match === null ? undefined : { name: match[1]!, next: Number(match[2]) + 1 }
}
