import type { RpcNotification } from '#base/json-rpc.ts'
import { splice } from '#base/splice.ts'
import type { Connection } from '../upstream/connection/connection.ts'
import type { ServerPool } from '../upstream/server-pool.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Catalog } from './catalog/catalog.ts'
import { rewriteUri } from './catalog/rewrite-uris.ts'
import type { LogRouting } from './session/log-routing.ts'
import type { Questions } from './session/questions.ts'
import type { Session } from './session/session.ts'
import type { Subscriptions } from './session/subscriptions.ts'

/** What passing on a server's notifications takes. */
export interface ServerEventParts {
  readonly questions: Questions
  readonly subscriptions: Subscriptions
  readonly logs: LogRouting
  readonly catalogFor: (session: Session) => Catalog
  /** The open sessions that an upstream is for: its owner's, or all that see its server. */
  readonly usersOf: (pool: ServerPool, upstream: Upstream) => readonly Session[]
}

/** A notification and where it came from. */
interface Source {
  readonly pool: ServerPool
  readonly upstream: Upstream
  readonly connection: Connection
  readonly notification: RpcNotification
  /** The id of the request of ours whose stream brought it, where each has a stream of its own. */
  readonly cause: number | undefined
}

/** Passes a server's notifications on to the clients that they are for. */
export class ServerEvents {
  readonly #parts: ServerEventParts

  constructor(parts: ServerEventParts) {
    this.#parts = parts
  }

  onNotification(source: Source): void {
    const { upstream, connection, notification } = source
    switch (notification.method) {
      case 'notifications/tools/list_changed':
        upstream.refresh(connection, 'tools')
        break
      case 'notifications/prompts/list_changed':
        upstream.refresh(connection, 'prompts')
        break
      case 'notifications/resources/list_changed':
        upstream.refresh(connection, 'resources')
        upstream.refresh(connection, 'resourceTemplates')
        break
      case 'notifications/resources/updated':
        this.#onUpdated(source)
        return
      case 'notifications/message':
        this.#onLogMessage(source)
        return
      case 'notifications/cancelled':
        this.#parts.questions.onCancelled(connection, notification)
        return
      case 'notifications/elicitation/complete': {
        const session = this.#parts.questions.takeElicited(connection, notification)
        session?.send([notification.bytes], connection)
        return
      }
    }
    this.#passToTransparent(source)
  }

  /** What only the server and its client understand goes to clients that are with this one server. */
  #passToTransparent(source: Source): void {
    const { pool, upstream, connection, notification } = source
    const { isCaller, call } = findCaller(source)
    for (const session of this.#parts.usersOf(pool, upstream)) {
      if (session.only === undefined || isCaller?.(session) === false) continue
      session.send([notification.bytes], connection, call)
    }
  }

  #onUpdated({ pool, upstream, connection, notification }: Source): void {
    const { bytes, params } = notification
    for (const session of this.#parts.subscriptions.sessionsOf(upstream, notification)) {
      const aliases =
        session.only === undefined ? this.#parts.catalogFor(session).aliasesOf(pool.server.name) : undefined
      const changes = aliases === undefined ? [] : rewriteUri(bytes, params, aliases)
      session.send(splice(bytes, changes), connection)
    }
  }

  /**
   * Log messages go to the one whose call brought them, else to those who have a call in flight on the server; with none,
   * to those who are with it alone.
   */
  #onLogMessage(source: Source): void {
    const { pool, upstream, connection, notification } = source
    const users = this.#parts.usersOf(pool, upstream)
    const { isCaller, call } = findCaller(source)
    if (isCaller !== undefined) {
      const sessions = users.filter(isCaller)
      this.#parts.logs.pass(connection, notification, { sessions, call })
      return
    }
    const isOwned = pool.ownerOf(upstream) !== undefined
    const busy = connection.requests.sessionsAtWork()
    const calling = users.filter((session) => busy.has(session.key))
    const alone = users.filter((session) => session.only !== undefined)
    const sessions = isOwned ? users : calling.length > 0 ? calling : alone
    this.#parts.logs.pass(connection, notification, { sessions, call: undefined })
  }
}

/** Tells whose call it was whose stream brought something, and the key of that call while it is in flight. */
interface Caller {
  /** Undefined for what comes unasked, or with an answer to ourselves: that may be for anybody. */
  readonly isCaller?: (session: Session) => boolean
  readonly call?: string | undefined
}

/** Of a call that is over, what still comes is for nobody: others must not see what was meant for its client. */
function findCaller({ connection, cause }: Source): Caller {
  if (cause === undefined) return {}
  const { requests } = connection
  const asked = requests.find(cause)
  if (asked !== undefined && asked.session === undefined) return {}
  const caller = requests.findSession(cause)
  return { isCaller: ({ key }) => key === caller, call: asked?.call }
}
