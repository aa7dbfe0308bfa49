import type { Logger } from '../../observe/logger.ts'
import type { Connection } from '../connection/connection.ts'
import { isSameList, type ListItem, type ListKind, type Lists } from './list-items.ts'
import { readList, toOfferedKinds } from './list-reader.ts'

/** A list that is being read. */
interface Reading {
  /** Where it is to be read from after that: the last that it was asked to be. */
  next: Connection | undefined
  done: Promise<void>
}

/** What following lists takes. */
interface ListFollowerOptions {
  readonly logger: Logger
  readonly timeoutMs: number
  /** The last known ones. */
  readonly lists: Lists
  readonly onChanged: () => void
  /** The wait before a list that could not be read is read again, in milliseconds; doubled each time, up to a minute. */
  readonly retryMs?: number
}

const longestRetryMs = 60_000

/** Keeps the lists of one upstream up to date: reads them when a session opens and again when the server says so. */
export class ListFollower {
  readonly #logger: Logger
  readonly #timeoutMs: number
  readonly #onChanged: () => void
  #lists: Lists
  #isKnown = false
  readonly #retryMs: number
  /** The session whose lists are wanted. */
  #followed: Connection | undefined
  /** How often in a row a list could not be read, and what reads it again. */
  readonly #retries = new Map<ListKind, { readonly failures: number; readonly timer: NodeJS.Timeout }>()
  readonly #running = new Map<ListKind, Reading>()

  constructor(options: ListFollowerOptions) {
    this.#logger = options.logger
    this.#timeoutMs = options.timeoutMs
    this.#onChanged = options.onChanged
    this.#retryMs = options.retryMs ?? 1000
    this.#lists = options.lists
  }

  /** The last known lists. */
  get lists(): Lists {
    return this.#lists
  }

  /** Whether this upstream itself has told its lists since it was made. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Reads all lists of a session that was just opened. */
  async follow(connection: Connection): Promise<void> {
    if (connection !== this.#followed) for (const kind of [...this.#retries.keys()]) this.#forgetRetry(kind)
    this.#followed = connection
    const offered = toOfferedKinds(connection)
    const none = (Object.keys(this.#lists) as ListKind[]).filter((kind) => !offered.includes(kind))
    for (const kind of none) this.#set(kind, [])
    await Promise.all(offered.map((kind) => this.refresh(connection, kind)))
    if (connection.isClosed) return
    this.#isKnown = true
    this.#onChanged()
  }

  /** Reads one list anew. While it is being read already, it is read once more after that. */
  refresh(connection: Connection, kind: ListKind): Promise<void> {
    const running = this.#running.get(kind)
    if (running !== undefined) {
      running.next = connection
      return running.done
    }
    const reading: Reading = { next: connection, done: Promise.resolve() }
    this.#running.set(kind, reading)
    reading.done = this.#readOn(kind, reading)
    return reading.done
  }

  async #readOn(kind: ListKind, reading: Reading): Promise<void> {
    for (let from = reading.next; from !== undefined; from = reading.next) {
      reading.next = undefined
      if (!from.isClosed) await this.#read(from, kind)
    }
    this.#running.delete(kind)
  }

  async #read(connection: Connection, kind: ListKind): Promise<void> {
    try {
      this.#set(kind, await readList(connection, kind, this.#timeoutMs))
      this.#forgetRetry(kind)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // What cannot be read from a session that is over is no news, nor what still cannot be read.
      const isNews = !connection.isClosed && !this.#retries.has(kind)
      const level = isNews ? 'warning' : 'debug'
      this.#retryLater(connection, kind)
      this.#logger[level]('A list could not be read; the last known one stays.', { list: kind, reason })
    }
  }

  /** What failed may go well later; a session that is over has a successor that reads for itself. */
  #retryLater(connection: Connection, kind: ListKind): void {
    if (connection.isClosed || connection !== this.#followed) return
    const before = this.#retries.get(kind)
    clearTimeout(before?.timer)
    const failures = before?.failures ?? 0
    const timer = setTimeout(
      () => {
        if (!connection.isClosed) void this.refresh(connection, kind)
      },
      Math.min(this.#retryMs * 2 ** failures, longestRetryMs),
    ).unref()
    this.#retries.set(kind, { failures: failures + 1, timer })
  }

  #forgetRetry(kind: ListKind): void {
    clearTimeout(this.#retries.get(kind)?.timer)
    this.#retries.delete(kind)
  }

  #set(kind: ListKind, items: readonly ListItem[]): void {
    if (isSameList(this.#lists[kind], items)) return
    this.#lists = { ...this.#lists, [kind]: items }
    if (this.#isKnown) this.#onChanged()
  }
}
