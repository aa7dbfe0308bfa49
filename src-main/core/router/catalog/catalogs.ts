import type { Config } from '../../config/config.ts'
import type { ServerPool, SessionKey } from '../../upstream/server-pool.ts'
import { emptyLists, type Lists } from '../../upstream/lists/list-items.ts'
import { Catalog } from './catalog.ts'
import type { NamingRules } from './names.ts'

interface Made {
  /** For each server, whether its things are shown. */
  readonly shown: readonly boolean[]
  readonly lists: readonly Lists[]
  readonly catalog: Catalog
}

const keptCatalogs = 8

/** The catalogs of all sessions: sessions that see the same lists share one. */
export class Catalogs {
  readonly #pools: readonly ServerPool[]
  readonly #rules: NamingRules
  readonly #disabledTools: ReadonlyMap<string, ReadonlySet<string>>
  /** The last ones used, newest first. */
  #made: Made[] = []

  /** Of the servers as they are configured at this moment. */
  constructor({ pools, config }: { readonly pools: readonly ServerPool[]; readonly config: Config }) {
    const { naming, maxToolNameLength } = config.gateway
    this.#pools = pools
    this.#rules = { naming, maxLength: maxToolNameLength }
    this.#disabledTools = new Map(config.servers.map(({ name, tools }) => [name, new Set(tools.disabled)]))
  }

  /** What a session sees: every server that is not in a crash loop, with its last known lists. */
  catalogFor(session: SessionKey): Catalog {
    const shown = this.#pools.map((pool) => pool.stateFor(session).state !== 'crash-loop')
    const lists = this.#pools.map((pool) => pool.listsFor(session))
    const known = this.#made.find((made) => isSame(made.shown, shown) && isSame(made.lists, lists))
    const made = known ?? { shown, lists, catalog: this.#make(shown, lists) }
    if (this.#made[0] !== made) {
      this.#made = [made, ...this.#made.filter((other) => other !== made)].slice(0, keptCatalogs)
    }
    return made.catalog
  }

  #make(shown: readonly boolean[], lists: readonly Lists[]): Catalog {
    const entries = this.#pools.map((pool, index) => ({
      server: pool.server.name,
      lists: lists[index] ?? emptyLists,
      disabledTools: this.#disabledTools.get(pool.server.name) ?? new Set<string>(),
      isShown: shown[index] === true,
    }))
    return new Catalog(entries, this.#rules)
  }
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index])
}
