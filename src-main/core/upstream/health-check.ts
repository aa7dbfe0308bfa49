import type { HealthSettings } from '../config/config.ts'
import type { Connection } from './connection/connection.ts'
import { listTable } from './lists/list-items.ts'
import { toOfferedKinds } from './lists/list-reader.ts'

/** What a health check finds out. `reason` completes "… because {reason}". */
export interface HealthListener {
  /** A ping was not answered in time. */
  readonly onSilent: (reason: string) => void
  /** It shows life, maybe after a silence. */
  readonly onAlive: () => void
  /** So many checks have failed that it counts as dead. Nothing more is told after that. */
  readonly onDead: (reason: string) => void
}

/**
 * Asks a server in regular intervals whether it lives, by MCP's `ping` (MCP 2025-11-25, "Ping"), unless it has shown
 * so by itself. A server that is busy with a call that it took while it was well is not given up: many cannot answer
 * while they work, and a call has a time-out of its own. One that knows no ping is asked for a list.
 */
export class HealthCheck {
  readonly #connection: Connection
  readonly #listener: HealthListener
  #settings: HealthSettings
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #isChecking = false
  #failedChecks = 0
  /** When the server was last known to be well, while it is silent. */
  #silentSince: number | undefined
  /** What it is asked. */
  #question = 'ping'
  #hasAnswered = false
  /** Why the last question came to nothing at once. */
  #trouble: string | undefined

  constructor(connection: Connection, settings: HealthSettings, listener: HealthListener) {
    this.#connection = connection
    this.#settings = settings
    this.#listener = listener
    this.#schedule(settings.intervalSeconds)
  }

  /** Takes on other settings; a check that runs ends by those it began with. */
  adjust(settings: HealthSettings): void {
    this.#settings = settings
    // What nobody asks any more cannot be held against the server.
    if (!settings.enabled) this.#noteAlive()
    else if (!this.#isChecking) this.#schedule(settings.intervalSeconds)
  }

  /** Checks at once: there is a reason to doubt that it lives, whatever it said before. */
  checkNow(): void {
    if (!this.#isChecking && !this.#isOver && this.#settings.enabled) void this.#check(this.#settings)
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #schedule(seconds: number): void {
    clearTimeout(this.#timer)
    if (this.#hasEnded()) return
    this.#timer = setTimeout(() => {
      const silentMs = performance.now() - this.#connection.lastHeard
      if (silentMs < this.#settings.intervalSeconds * 1000) this.#noteAlive()
      else void this.#check(this.#settings)
    }, seconds * 1000).unref()
  }

  async #check(settings: HealthSettings): Promise<void> {
    this.#isChecking = true
    clearTimeout(this.#timer)
    const hasAnswered = (await this.#ping(settings)) || (await this.#askOtherwise(settings))
    this.#isChecking = false
    if (this.#isOver || !this.#settings.enabled) return
    if (hasAnswered) {
      this.#noteAlive()
      return
    }
    this.#failedChecks += 1
    if (this.#failedChecks < settings.threshold || (await this.#isAtWork())) {
      this.#schedule(this.#settings.intervalSeconds)
      return
    }
    // It may have been ended while we looked whether it is at work.
    if (this.#hasEnded()) return
    this.stop()
    this.#listener.onDead(this.#toReason())
  }

  /** Pings until one is answered or there were enough. Anything that the server says is as good as an answer. */
  async #ping({ attempts, timeoutSeconds, retryIntervalSeconds }: HealthSettings): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      const asked = performance.now()
      this.#hasAnswered = (await this.#ask(this.#question, timeoutSeconds)) || this.#hasAnswered
      if (this.#hasEnded() || this.#connection.lastHeard >= asked) return true
      this.#silentSince ??= asked
      this.#listener.onSilent(this.#toReason())
      if (attempt >= attempts) return false
      await this.#wait(retryIntervalSeconds)
      if (this.#hasEnded() || this.#connection.lastHeard >= asked) return true
    }
  }

  /** A server that never answered a ping may be one that knows none: then it is asked for a list, from now on. */
  async #askOtherwise({ timeoutSeconds }: HealthSettings): Promise<boolean> {
    const [kind] = toOfferedKinds(this.#connection)
    if (this.#hasEnded() || this.#hasAnswered || kind === undefined) return false
    const { method } = listTable[kind]
    const hasAnswered = await this.#ask(method, timeoutSeconds)
    if (hasAnswered) this.#question = method
    return hasAnswered
  }

  #ask(method: string, timeoutSeconds: number): Promise<boolean> {
    const asked = performance.now()
    return this.#connection.request(method, undefined, timeoutSeconds * 1000).then(
      () => true,
      (error: unknown) => {
        // What is told at once is no silence.
        const isSilence = performance.now() - asked >= timeoutSeconds * 1000
        this.#trouble = isSilence || !(error instanceof Error) ? undefined : error.message
        return false
      },
    )
  }

  #hasEnded(): boolean {
    return this.#isOver || !this.#settings.enabled
  }

  #wait(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000).unref()
    })
  }

  /** Whether it may be silent because it works on a call from the time when it was well. */
  async #isAtWork(): Promise<boolean> {
    const oldest = this.#connection.requests.oldestOfSession
    if (oldest === undefined || oldest >= (this.#silentSince ?? oldest)) return false
    return !(await this.#connection.isSuspended())
  }

  #noteAlive(): void {
    this.#failedChecks = 0
    this.#silentSince = undefined
    this.#listener.onAlive()
    this.#schedule(this.#settings.intervalSeconds)
  }

  #toReason(): string {
    if (this.#trouble !== undefined) return `it did not answer a ping: ${this.#trouble}`
    return `it did not answer a ping within ${this.#settings.timeoutSeconds} s`
  }
}
