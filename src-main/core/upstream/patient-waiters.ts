/** Those who wait until something may have changed, each for so long at most. */
export class PatientWaiters {
  readonly #waiters = new Set<() => void>()

  /** Settles with the next `settle`; rejects with what `toError` gives when that takes longer than so many milliseconds. */
  wait(milliseconds: number, toError: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(settle)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiters.delete(settle)
        reject(toError())
      }, milliseconds)
      this.#waiters.add(settle)
    })
  }

  /** Lets all of them look. */
  settle(): void {
    for (const settle of [...this.#waiters]) settle()
  }
}
