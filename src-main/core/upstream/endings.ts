import type { Connection } from './connection/connection.ts'

/** How long calls in flight may take to come to their end, in milliseconds. */
export const graces = {
  /** Before a server is stopped that somebody wants to be another, or no more. */
  stoppedMs: 5000,
  /** Once the server has forgotten the session: another one is open beside it, and waits for nothing. */
  forgottenMs: 60_000,
} as const

/** Sessions of one upstream that come to their end: their processes may outlast them for a moment. */
export class Endings {
  readonly #endings = new Set<Promise<unknown>>()
  /** Those that still have a grace, and what ends it. */
  readonly #graces = new Map<Connection, AbortController>()

  /** Those in which calls may still be in flight. */
  get withGrace(): readonly Connection[] {
    return [...this.#graces.keys()]
  }

  /** Settles when all that end now have ended. */
  async untilEnded(): Promise<void> {
    await Promise.all(this.#endings)
  }

  /** Ends a session once the calls in flight on it have come to their end, or after a grace, in milliseconds. */
  end(connection: Connection, graceMs = 0): void {
    const grace = new AbortController()
    const end = async (): Promise<void> => {
      if (graceMs > 0) await connection.requests.untilUnused(graceMs, grace.signal)
      connection.abandon('Patchbay stopped it')
      await connection.stop()
    }
    this.#graces.set(connection, grace)
    this.note(end().finally(() => this.#graces.delete(connection)))
  }

  /** Something else ends that is to be waited for. */
  note(ending: Promise<unknown>): void {
    const noted = ending.finally(() => this.#endings.delete(noted))
    this.#endings.add(noted)
  }

  /** Nothing is waited for any more. */
  hurry(): void {
    for (const grace of this.#graces.values()) grace.abort()
  }
}
