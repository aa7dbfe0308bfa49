type Settle = (error?: Error) => void

/** Those who wait for a server to be there, each for so long at most. */
export class PatientWaiters {
  #waiters = new Set<Settle>()

  /** Settles as `settle` says; rejects with what `toError` gives when that takes longer than so many milliseconds. */
  wait(milliseconds: number, toError: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle: Settle = (error) => {
        clearTimeout(timer)
        this.#waiters.delete(settle)
        if (error === undefined) resolve()
        else reject(error)
      }
      const timer = setTimeout(() => {
        settle(toError())
      }, milliseconds)
      this.#waiters.add(settle)
    })
  }

  /** The server is there, or there is a reason why it will not be. */
  settle(error?: Error): void {
    for (const settle of [...this.#waiters]) settle(error)
  }
}
