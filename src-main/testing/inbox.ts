const patienceMs = 4000

interface Waiter<T> {
  readonly isWanted: (item: T) => boolean
  readonly resolve: (item: T) => void
}

/** What came and was not taken yet, in order; whoever waits for something gets it as soon as it is there. */
export class Inbox<T> {
  readonly #name: string
  readonly #toText: (item: T) => string
  #items: T[] = []
  #waiters: Waiter<T>[] = []

  constructor(name: string, toText: (item: T) => string) {
    this.#name = name
    this.#toText = toText
  }

  /** What came and nobody took. */
  get items(): readonly T[] {
    return this.#items
  }

  push(item: T): void {
    const waiter = this.#waiters.find(({ isWanted }) => isWanted(item))
    if (waiter === undefined) {
      this.#items.push(item)
      return
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    waiter.resolve(item)
  }

  /** Takes the first item that is wanted, now or when it comes. Rejects with what came in its place. */
  take(what: string, isWanted: (item: T) => boolean): Promise<T> {
    const there = this.#items.find(isWanted)
    if (there !== undefined) {
      this.#items = this.#items.filter((other) => other !== there)
      return Promise.resolve(there)
    }
    // Made here, so that its stack tells which line of the test waits.
    const failure = new Error(`${this.#name}: ${what} did not come`)
    const promise = new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        failure.message += `; there is: ${this.#items.map(this.#toText).join('\n') || 'nothing'}`
        reject(failure)
      }, patienceMs)
      this.#waiters.push({
        isWanted,
        resolve: (item) => {
          clearTimeout(timer)
          resolve(item)
        },
      })
    })
    // A test need not wait for all that it asks for.
    promise.catch(() => undefined)
    return promise
  }
}
