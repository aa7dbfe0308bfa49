/** What the table has to know of a session. */
export interface TableSession {
  readonly id: string
  /** Whether its client showed the access token. */
  readonly isWithToken: boolean
  /** Whether nobody waits for anything: no call is in flight and no stream open. */
  readonly isIdle: boolean
  /** When it was last used; as performance.now() tells. */
  readonly usedAt: number
  /** Lets go of what is there for its client alone and can be had again. */
  rest?(): void
  close(): void
}

/** How many sessions there may be, and how long they may lie idle, in milliseconds. */
export interface SessionLimits {
  readonly sessions: number
  /** An idle session of this age may be ended to make room for another. */
  readonly spareMs: number
  /** An idle session of this age is put to rest. */
  readonly restMs: number
  /** An idle session of this age is ended. */
  readonly idleMs: number
}

/** Limits for a computer and its editors. */
const usualSessionLimits: SessionLimits = {
  sessions: 512,
  spareMs: 60_000,
  restMs: 10 * 60_000,
  idleMs: 4 * 3600 * 1000,
}

/** All sessions over HTTP, by their ids. */
export class SessionTable<T extends TableSession> {
  readonly #limits: SessionLimits
  readonly #sessions = new Map<string, T>()
  readonly #timer: NodeJS.Timeout

  constructor(limits: SessionLimits = usualSessionLimits) {
    this.#limits = limits
    this.#timer = setInterval(
      () => {
        this.#seeToIdle()
      },
      Math.min(limits.restMs / 4, 60_000),
    )
    this.#timer.unref()
  }

  find(id: string): T | undefined {
    return this.#sessions.get(id)
  }

  /** Makes room for one more session; false when all are in use. */
  makeRoom(): boolean {
    const { sessions, spareMs } = this.#limits
    if (this.#sessions.size < sessions) return true
    const idle = [...this.#sessions.values()].filter((session) => session.isIdle)
    const [longest] = idle.toSorted((left, right) => left.usedAt - right.usedAt)
    if (longest === undefined || performance.now() - longest.usedAt < spareMs) return false
    longest.close()
    return true
  }

  add(session: T): void {
    this.#sessions.set(session.id, session)
  }

  delete(session: T): void {
    this.#sessions.delete(session.id)
  }

  /** Ends those sessions that are to end; all unless `isMeant` says otherwise. */
  close(isMeant: (session: T) => boolean = () => true): void {
    for (const session of [...this.#sessions.values()]) {
      if (isMeant(session)) session.close()
    }
  }

  /** Stops looking for idle sessions, and ends all. */
  end(): void {
    clearInterval(this.#timer)
    this.close()
  }

  #seeToIdle(): void {
    const { restMs, idleMs } = this.#limits
    const now = performance.now()
    for (const session of [...this.#sessions.values()]) {
      const age = session.isIdle ? now - session.usedAt : 0
      if (age > idleMs) session.close()
      else if (age > restMs) session.rest?.()
    }
  }
}
