import { notificationLine } from '#base/json-rpc.ts'
import type { Config, ServerConfig } from '../config/config.ts'
import { isSameValue } from '../config/is-same-value.ts'
import type { ListKind } from '../upstream/lists/list-items.ts'
import type { ServerPool } from '../upstream/server-pool.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { Session } from './session/session.ts'

/** Which notification tells of which lists (MCP, "List Changed Notification"). */
const announced = {
  tools: ['tools'],
  resources: ['resources', 'resourceTemplates'],
  prompts: ['prompts'],
} as const satisfies Record<string, readonly ListKind[]>

/** Tells clients that what they see has changed: once for all changes that come together. */
export class Announcements {
  readonly #sessions: () => Iterable<Session>
  readonly #catalogFor: (session: Session) => Catalog
  readonly #back = new Set<ServerPool>()
  #isDue = false

  constructor(sessions: () => Iterable<Session>, catalogFor: (session: Session) => Catalog) {
    this.#sessions = sessions
    this.#catalogFor = catalogFor
  }

  /** Something may have changed. A server that is `back` after it was lost is worth telling in any case. */
  schedule(back?: ServerPool): void {
    if (back !== undefined) this.#back.add(back)
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      const servers = [...this.#back]
      this.#back.clear()
      for (const session of this.#sessions()) this.#announce(session, servers)
    })
  }

  /** Tells clients of one server alone that tools of it were switched: they have no catalog that would show it. */
  tellSwitches(before: Config, now: Config): void {
    const isSwitched = ({ name, tools }: ServerConfig): boolean => {
      const old = before.servers.find((server) => server.name === name)
      return old !== undefined && !isSameValue(old.tools, tools)
    }
    const switched = new Set(now.servers.filter(isSwitched).map(({ name }) => name))
    for (const session of this.#sessions()) {
      if (session.only !== undefined && switched.has(session.only) && session.phase === 'open')
        session.send(notificationLine('notifications/tools/list_changed'))
    }
  }

  #announce(session: Session, back: readonly ServerPool[]): void {
    if (session.phase !== 'open') return
    const relevant = back.filter((pool) => session.only === undefined || session.only === pool.server.name)
    const isBack = (kind: ListKind): boolean =>
      relevant.some((pool) => pool.listsFor(session.key)[kind].length > 0)
    const before = session.catalog
    const now = session.only === undefined ? this.#catalogFor(session) : before
    session.catalog = now
    for (const [name, kinds] of Object.entries(announced)) {
      const isChanged = kinds.some((kind) => {
        return (
          before !== now && before?.toResult(kind).equals(now?.toResult(kind) ?? Buffer.alloc(0)) !== true
        )
      })
      if (isChanged || kinds.some(isBack))
        session.send(notificationLine(`notifications/${name}/list_changed`))
    }
  }
}
