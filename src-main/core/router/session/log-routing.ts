import { findMember, readString } from '#base/json-head.ts'
import type { RpcNotification } from '#base/json-rpc.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import { isWanted, toMostVerbose, type LogLevel } from '../log-level.ts'
import type { Session } from './session.ts'

/** Log levels by client: a server gets the most verbose one that its clients set, each client what it asked for. */
export class LogRouting {
  readonly #logger: Logger
  readonly #told = new WeakMap<Connection, LogLevel>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Tells a server the level that its clients want, if that is news to it. */
  sync(connection: Connection, users: readonly Session[]): void {
    const level = toMostVerbose(users.map((session) => session.logLevel))
    if (
      level === undefined ||
      !connection.capabilities.has('logging') ||
      this.#told.get(connection) === level
    )
      return
    this.#told.set(connection, level)
    connection.request('logging/setLevel', { level }, 60_000).then(
      ({ error }) => {
        if (error !== undefined) this.#logger.debug('The server refused logging/setLevel.', { level })
      },
      (error: unknown) => {
        this.#logger.debug('The server did not take logging/setLevel.', { reason: String(error) })
      },
    )
  }

  /** Passes a log message on to those of some sessions that want it; `call` is the client's request that it belongs to. */
  pass(
    connection: Connection,
    { bytes, params }: RpcNotification,
    { sessions, call }: { readonly sessions: readonly Session[]; readonly call: string | undefined },
  ): void {
    const level = readString(bytes, findMember(bytes, params, 'level'))
    const isRaised = this.#told.has(connection)
    for (const session of sessions) {
      if (isWanted(level, session.logLevel, isRaised)) session.send([bytes], connection, call)
    }
  }
}
