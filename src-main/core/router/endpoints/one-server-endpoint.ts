import { findMember, readElements, readString } from '#base/json-head.ts'
import { bytesAt, type RpcNotification, type RpcRequest, type RpcResponse } from '#base/json-rpc.ts'
import { splice, type Replacement } from '#base/splice.ts'
import { toArray } from '../../upstream/lists/known-server.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import { toSwitchedOff, toTimedOut, toUnavailable } from '../refusals.ts'
import type { Session } from '../session/session.ts'
import type { Endpoint, EndpointParts } from './endpoint.ts'

const emptyResult = Buffer.from('{}')

/** One server alone: its own names and whatever it understands. Only what clients share is kept apart. */
export class OneServerEndpoint implements Endpoint {
  readonly #name: string
  readonly #parts: EndpointParts

  constructor(name: string, parts: EndpointParts) {
    this.#name = name
    this.#parts = parts
  }

  onRequest(session: Session, request: RpcRequest): void {
    const pool = this.#parts.servers.find(this.#name)
    if (pool !== undefined) this.#pass(session, request, pool)
    else {
      session.sendError(
        bytesAt(request.bytes, request.id),
        toUnavailable(this.#parts.servers.toGone(this.#name)),
      )
    }
  }

  #pass(session: Session, request: RpcRequest, pool: ServerPool): void {
    const { bytes, method, params } = request
    const route = { pool, replacements: [] }
    const { disabled } = pool.server.tools
    switch (method) {
      case 'ping': {
        // Whether it lives is no reason to start it, nor to keep it from being stopped when it is idle.
        if (pool.isAsleep(session.key)) {
          session.sendResult(bytesAt(bytes, request.id), emptyResult)
          return
        }
        const connection = findForPing(pool, session)
        if (connection === undefined) break
        this.#ping(session, { pool, connection, id: Buffer.from(bytesAt(bytes, request.id)) })
        return
      }
      case 'logging/setLevel':
        this.#parts.setLogLevel(session, request)
        return
      case 'resources/subscribe':
      case 'resources/unsubscribe': {
        const uri = readString(bytes, findMember(bytes, params, 'uri'))
        if (uri === undefined) break
        const { subscriptions } = this.#parts
        if (method === 'resources/subscribe') subscriptions.subscribe(session, request, route, uri)
        else subscriptions.unsubscribe(session, request, route, uri)
        return
      }
      case 'tools/call': {
        const tool = readString(bytes, findMember(bytes, params, 'name'))
        if (tool === undefined || !disabled.includes(tool)) break
        session.sendError(bytesAt(bytes, request.id), toSwitchedOff(this.#name, tool))
        return
      }
      case 'tools/list':
        if (disabled.length === 0) break
        this.#parts.send(session, request, {
          ...route,
          toAnswerReplacements: (answer) => hideDisabled(answer, new Set(disabled)),
        })
        return
    }
    this.#parts.send(session, request, route)
  }

  onNotification(session: Session, notification: RpcNotification): void {
    const pool = this.#parts.servers.find(this.#name)
    // Nobody is there to take it, and a notification has no answer to say so.
    if (pool === undefined) return
    const { connection: open } = pool.acquire(session.key)
    if (open !== undefined) {
      session.sendTo(open, [notification.bytes])
      return
    }
    const copy = Buffer.from(notification.bytes)
    session.addWaiting(copy.length)
    pool.whenReady(session.key, session.isAlive).then(
      ({ connection }) => {
        session.addWaiting(-copy.length)
        session.sendTo(connection, [copy])
      },
      () => {
        session.addWaiting(-copy.length)
      },
    )
  }

  #ping(
    session: Session,
    { pool, connection, id }: { pool: ServerPool; connection: Connection; id: Buffer },
  ): void {
    const { name, timeouts } = pool.server
    connection.request('ping', undefined, timeouts.requestSeconds * 1000).then(
      (answer) => {
        if (answer.id !== undefined) session.send(splice(answer.bytes, [{ span: answer.id, bytes: id }]))
      },
      () => {
        session.sendError(id, toTimedOut(name, 'ping', timeouts.requestSeconds))
      },
    )
  }
}

/**
 * To hear whether a server lives that has a process for each client, none more of it need be started. One that is
 * stopped when it is idle is asked in our own name, which does not count as use.
 */
function findForPing(pool: ServerPool, session: Session): Connection | undefined {
  const own = pool.find(session.key)
  const isShared = !pool.isPerSession || (own !== undefined && pool.ownerOf(own) === session.key)
  if (isShared) return pool.server.idleStopSeconds > 0 ? own?.connection : undefined
  return pool.upstreams.flatMap(({ connection }) => connection ?? [])[0]
}

function hideDisabled({ bytes, result }: RpcResponse, disabled: ReadonlySet<string>): Replacement[] {
  const span = findMember(bytes, result, 'tools')
  if (span === undefined) return []
  const kept = readElements(bytes, span).filter((tool) => {
    return !disabled.has(readString(bytes, findMember(bytes, tool, 'name')) ?? '')
  })
  return [{ span, bytes: toArray(kept.map((tool) => bytesAt(bytes, tool))) }]
}
