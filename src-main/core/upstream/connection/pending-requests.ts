import { findMember, readString, type Span } from '#base/json-head.ts'
import type { RpcNotification, RpcResponse } from '#base/json-rpc.ts'
import type { RequestFailure } from './carrier.ts'

/** A request that we sent and that waits for its answer. */
export interface PendingRequest {
  readonly method: string
  /** The session that it was sent for; none when it is our own. */
  readonly session?: number
  /** The key of the client's own request that it stands for; none when it is our own. */
  readonly call?: string
  /** How long without an answer, in milliseconds. */
  readonly timeoutMs: number
  /** Whether progress starts that time anew. */
  readonly resetOnProgress: boolean
  readonly onAnswer: (response: RpcResponse) => void
  /** Called when the time is over: give up, or wait as long again. */
  readonly onTimeout: () => 'give-up' | 'wait-on'
  /** The connection is gone before the answer came; `reason` completes "… because {reason}". */
  readonly onLost: (reason: string) => void
  /** It gets no answer, though the connection goes on; `onLost` when left out. */
  readonly onFailed?: (failure: RequestFailure) => void
  /** Progress of it came; `token` is where its progress token stands. */
  readonly onProgress?: (notification: RpcNotification, token: Span) => void
}

/** Our ids are numbers; a peer that gives them back as strings is understood as well. */
export function toOwnId(bytes: Buffer, span: Span): number {
  return Number(readString(bytes, span) ?? bytes.toString('latin1', span.start, span.end))
}

const withdrawnMs = 60_000
/** How long what belongs to a withdrawn request may still come, where it comes on a way of its own. */
const forgottenMs = 5000

interface Entry<T> {
  readonly request: T
  readonly since: number
  due: number
}

/** Requests in flight towards one peer, by ids of our own, each with its time-out. */
export class PendingRequests<T extends PendingRequest = PendingRequest> {
  readonly #entries = new Map<number, Entry<T>>()
  /** Sessions whose requests were taken back: the peer may still be at work on them. */
  readonly #withdrawn = new Map<number, number>()
  #nextId: number
  /** One for all time-outs: nearly every request is answered long before its own. */
  #timer: NodeJS.Timeout | undefined
  /** When the timer comes, on the clock of `performance`. */
  #timerDue = Infinity
  /** How many of them are for sessions. */
  #forSessions = 0
  #lastUsed = performance.now()
  readonly #onForgotten: (id: number) => void
  #onUnused: (() => void)[] = []

  /** `onForgotten` hears of requests of which nothing is awaited any more. */
  constructor(firstId = 1, onForgotten: (id: number) => void = () => undefined) {
    this.#nextId = firstId
    this.#onForgotten = onForgotten
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes a request in and gives the id to send it under. The same number serves as its progress token. */
  add(request: T): number {
    const id = this.#nextId++
    const since = performance.now()
    const due = since + request.timeoutMs
    this.#entries.set(id, { request, since, due })
    if (due < this.#timerDue) this.#arm(due, since)
    if (request.session !== undefined) this.#forSessions += 1
    return id
  }

  /** Takes a request out: it is answered, cancelled or given up. What comes for it later finds nothing. */
  take(id: number): T | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    this.#entries.delete(id)
    if (this.#entries.size === 0) this.#disarm()
    this.#noteOver(entry.request)
    return entry.request
  }

  /** The request that is in flight under an id. */
  find(id: number): T | undefined {
    return this.#entries.get(id)?.request
  }

  /** The request of a session that was sent last of those in flight. */
  findLatestOf(session: number): T | undefined {
    return [...this.#entries.values()].findLast(({ request }) => request.session === session)?.request
  }

  /** The session that a request is for, or was for that its peer may still work on. */
  findSession(id: number): number | undefined {
    return this.find(id)?.session ?? this.#withdrawn.get(id)
  }

  /** When a session last waited for an answer, on the clock of `performance`: now while one does. */
  get lastUsed(): number {
    return this.#forSessions > 0 ? performance.now() : this.#lastUsed
  }

  /** Since when the session waits that has waited longest, on the clock of `performance`. */
  get oldestOfSession(): number | undefined {
    if (this.#forSessions === 0) return undefined
    // Entries stand in the order in which they came.
    return [...this.#entries.values()].find(({ request }) => request.session !== undefined)?.since
  }

  /** Settles when no session waits for an answer any more, after so many milliseconds, or when the signal comes. */
  async untilUnused(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (this.#forSessions === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      const finish = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#onUnused.push(finish)
      signal?.addEventListener('abort', finish)
    })
  }

  /** The other side tells that it works on one of them, by the token that it got: the request's id. */
  onProgress(notification: RpcNotification): void {
    const { bytes, params } = notification
    const token = findMember(bytes, params, 'progressToken')
    if (token === undefined) return
    const entry = this.#entries.get(toOwnId(bytes, token))
    if (entry === undefined) return
    if (entry.request.resetOnProgress) entry.due = performance.now() + entry.request.timeoutMs
    entry.request.onProgress?.(notification, token)
  }

  /** Takes the request out that a response answers. */
  takeAnswered(response: RpcResponse): T | undefined {
    const id = response.id && toOwnId(response.bytes, response.id)
    if (id === undefined) return undefined
    this.#withdrawn.delete(id)
    return this.take(id)
  }

  /** Takes a request out that its sender takes back. For a while it counts as work of its session all the same. */
  withdraw(id: number): T | undefined {
    const request = this.take(id)
    if (request?.session !== undefined) this.#noteWithdrawn(id, request.session)
    else this.#onForgotten(id)
    return request
  }

  /** The sessions that the peer works for, or may still work for. */
  sessionsAtWork(): ReadonlySet<number> {
    const sessions = new Set(this.#withdrawn.values())
    for (const { request } of this.#entries.values()) {
      if (request.session !== undefined) sessions.add(request.session)
    }
    return sessions
  }

  /** Takes all out, oldest first. */
  takeAll(): T[] {
    return [...this.#entries.keys()].flatMap((id) => this.take(id) ?? [])
  }

  #noteWithdrawn(id: number, session: number): void {
    this.#withdrawn.set(id, session)
    // Whoever obeys a cancellation sends no answer: after a minute it is over.
    setTimeout(() => {
      this.#withdrawn.delete(id)
    }, withdrawnMs).unref()
    setTimeout(() => {
      this.#onForgotten(id)
    }, forgottenMs).unref()
  }

  #arm(due: number, now: number): void {
    clearTimeout(this.#timer)
    this.#timerDue = due
    this.#timer = setTimeout(this.#onTimer, Math.ceil(due - now))
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timerDue = Infinity
  }

  readonly #onTimer = (): void => {
    const now = performance.now()
    // After a pause of ours, answers that have come are read before anything counts as late.
    setImmediate(() => {
      try {
        for (const [id, entry] of this.#entries) if (entry.due <= now) this.#onDue(id, entry)
      } finally {
        this.#armNext()
      }
    })
  }

  #armNext(): void {
    this.#disarm()
    let next = Infinity
    for (const { due } of this.#entries.values()) next = Math.min(next, due)
    if (next < Infinity) this.#arm(next, performance.now())
  }

  #onDue(id: number, entry: Entry<T>): void {
    if (entry.request.onTimeout() === 'wait-on') entry.due = performance.now() + entry.request.timeoutMs
    else this.withdraw(id)
  }

  #noteOver(request: T): void {
    if (request.session === undefined) return
    this.#forSessions -= 1
    this.#lastUsed = performance.now()
    if (this.#forSessions > 0) return
    for (const tell of this.#onUnused.splice(0)) tell()
  }
}
