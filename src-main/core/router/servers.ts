import type { Config, ServerConfig } from '../config/config.ts'
import { diffConfigs } from '../config/diff.ts'
import type { ServerPool } from '../upstream/server-pool.ts'
import { ServerUnavailable } from '../upstream/server-unavailable.ts'
import type { Naming } from './catalog/names.ts'

/** What another configuration means for servers. */
export interface ServersListener {
  /** A server is switched off, or not configured any more. */
  readonly onLeaving: (pool: ServerPool) => void
  /** A server is going to be started anew. */
  readonly onReplaced: (pool: ServerPool) => void
  /** A server is switched on. */
  readonly onCame: (pool: ServerPool) => void
}

/** The servers as they are configured now. Whoever looks them up here sees every change. */
export class Servers {
  readonly #toPool: (server: ServerConfig, after?: Promise<unknown>) => ServerPool
  #config: Config
  #pools: readonly ServerPool[]
  #byName: ReadonlyMap<string, ServerPool> = new Map()
  /** Servers that are no more configured and come to their end. */
  readonly #leaving = new Map<ServerPool, Promise<void>>()

  /** `toPool` makes the pool of a server, nothing of which is started before `after` is over. */
  constructor(config: Config, toPool: (server: ServerConfig, after?: Promise<unknown>) => ServerPool) {
    this.#toPool = toPool
    this.#config = config
    this.#pools = this.#arrange(
      config.servers.filter(({ enabled }) => enabled).map((server) => toPool(server)),
    )
  }

  get config(): Config {
    return this.#config
  }

  /** The enabled ones, in the order of the configuration. */
  get pools(): readonly ServerPool[] {
    return this.#pools
  }

  /** Names of those that are switched off. */
  get disabled(): readonly string[] {
    return this.#config.servers.filter(({ enabled }) => !enabled).map(({ name }) => name)
  }

  get naming(): Naming {
    return this.#config.gateway.naming
  }

  /** The enabled server of a name. */
  find(name: string | undefined): ServerPool | undefined {
    return name === undefined ? undefined : this.#byName.get(name)
  }

  /** Why a server that cannot be found takes no requests. */
  toGone(name: string): ServerUnavailable {
    if (this.disabled.includes(name)) return new ServerUnavailable(name, { state: 'off' })
    return new ServerUnavailable(name, { state: 'stopped', reason: 'it is not configured any more' })
  }

  /** Goes over to another configuration: what did not change is not touched. Calls must not overlap. */
  async apply(next: Config, listener: ServersListener): Promise<void> {
    const { added, removed, restarted, adjusted } = diffConfigs(this.#config, next)
    const coming = added.map((server) => this.#toPool(server, this.#findLeft(server.name)))
    await Promise.all(coming.map((pool) => pool.recall()))
    const leaving = removed.flatMap(({ name }) => this.find(name) ?? [])
    this.#config = next
    this.#pools = this.#arrange([...this.#pools, ...coming])
    for (const pool of leaving) {
      listener.onLeaving(pool)
      this.#retire(pool)
    }
    for (const server of adjusted) this.find(server.name)?.adjust(server)
    for (const server of restarted) {
      const pool = this.find(server.name)
      if (pool === undefined) continue
      listener.onReplaced(pool)
      pool.replace(server)
    }
    for (const pool of coming) {
      pool.start()
      listener.onCame(pool)
    }
  }

  /** Settles when no call is in flight on any of them, or after so many milliseconds. */
  async untilUnused(milliseconds: number): Promise<void> {
    const pools = [...this.#leaving.keys(), ...this.#pools]
    await Promise.all(pools.map((pool) => pool.untilUnused(milliseconds)))
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    await Promise.all([...this.#leaving.keys(), ...this.#pools].map((pool) => pool.close()))
  }

  /** Those of these that are enabled now, in the order of the configuration. */
  #arrange(pools: readonly ServerPool[]): readonly ServerPool[] {
    const enabled = this.#config.servers.filter((server) => server.enabled)
    const arranged = enabled.flatMap(({ name }) => pools.find((pool) => pool.server.name === name) ?? [])
    this.#byName = new Map(arranged.map((pool) => [pool.server.name, pool]))
    return arranged
  }

  #retire(pool: ServerPool): void {
    const left = pool.close('graceful').finally(() => {
      this.#leaving.delete(pool)
    })
    this.#leaving.set(pool, left)
  }

  /** When a server of this name that was switched off has come to its end. */
  #findLeft(name: string): Promise<unknown> | undefined {
    const left = [...this.#leaving].filter(([pool]) => pool.server.name === name).map(([, end]) => end)
    return left.length === 0 ? undefined : Promise.all(left)
  }
}
