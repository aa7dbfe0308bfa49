const mostRenewals = 5
const withinMs = 10_000

/** How often a server has forgotten its session lately. */
export class Renewals {
  #times: readonly number[] = []

  /** Notes that it has done so again; whether that was too often for it to be served as if nothing had happened. */
  note(now = performance.now()): boolean {
    this.#times = [...this.#times.filter((time) => now - time < withinMs), now]
    return this.#times.length > mostRenewals
  }
}
