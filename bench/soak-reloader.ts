// The configuration of the soak, and its changes.
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppLog } from '../e2e/hosts/app-log.ts'
import type { Headless } from '../e2e/hosts/headless.ts'
import { toTinyEntry } from '../e2e/hosts/tiny-server.ts'
import type { JsonObject } from '../e2e/servers/json-values.ts'

/** Servers that never fail by themselves. */
export const goodServers = ['one', 'two', 'three', 'four', 'five'] as const
/** The server that kills itself again and again. */
export const crashingServer = 'crashing'

const crashSeconds = 20
const changeMs = 15_000

interface Choice {
  environment: number
  disabled: boolean
}

/** Changes one server now and then: its environment, which starts it anew, or its tools, which does not. */
export class Reloader {
  readonly #choices = new Map<string, Choice>(
    goodServers.map((name) => [name, { environment: 0, disabled: false }]),
  )
  /** When a server was last changed, by performance.now(). */
  readonly #changedAt = new Map<string, number>()
  changes = 0

  get config(): JsonObject {
    const good = [...this.#choices].map(([name, { environment, disabled }], index) => {
      const isolation = index === 4 ? 'session' : 'shared'
      const tools = { disabled: disabled ? ['hold'] : [] }
      return [name, toTinyEntry({ TINY_NAME: `${name} ${environment}` }, { isolation, tools })] as const
    })
    // It is never given up, however often it crashes.
    const restart = { max: 10_000, delayMs: 200, maxDelayMs: 200 }
    const crashing = toTinyEntry({ TINY_LIFETIME: String(crashSeconds) }, { restart, isolation: 'shared' })
    return { servers: { ...Object.fromEntries(good), [crashingServer]: crashing } }
  }

  /** Whether a server was changed within the last seconds, so that a refusal for a moment is no surprise. */
  isBeingChanged(server: string): boolean {
    return performance.now() - (this.#changedAt.get(server) ?? -Infinity) < 10_000
  }

  /** Changes something about every 15 s; fails when a change is not taken on. */
  async changeUntil(isOver: () => boolean, app: Headless): Promise<void> {
    const log = new AppLog(app.dataDir)
    while (!isOver()) {
      for (
        const end = performance.now() + changeMs * (0.5 + Math.random());
        performance.now() < end && !isOver();
      )
        await delay(100)
      if (isOver()) return
      const name = goodServers[randomInt(goodServers.length)]!
      const choice = this.#choices.get(name)!
      if (randomInt(2) === 0) choice.environment += 1
      else choice.disabled = !choice.disabled
      this.#changedAt.set(name, performance.now())
      const after = log.mark()
      app.writeConfig(this.config)
      await log.waitForReload(after)
      this.changes += 1
    }
  }
}
