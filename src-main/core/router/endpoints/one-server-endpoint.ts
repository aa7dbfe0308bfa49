import { findMember, readElements, readString } from '#base/json-head.ts'
import { bytesAt, type RpcNotification, type RpcRequest, type RpcResponse } from '#base/json-rpc.ts'
import { splice, type Replacement } from '#base/splice.ts'
import { toArray } from '../../upstream/known-server.ts'
import type { Connection } from '../../upstream/connection.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import { toSwitchedOff, toTimedOut } from '../refusals.ts'
import type { Session } from '../session/session.ts'
import type { Endpoint, EndpointParts } from './endpoint.ts'

/** One server alone: its own names and whatever it understands. Only what clients share is kept apart. */
export class OneServerEndpoint implements Endpoint {
  readonly #pool: ServerPool
  readonly #parts: EndpointParts
  readonly #disabled: ReadonlySet<string>

  constructor(pool: ServerPool, parts: EndpointParts) {
    this.#pool = pool
    this.#parts = parts
    this.#disabled = new Set(pool.server.tools.disabled)
  }

  onRequest(session: Session, request: RpcRequest): void {
    const { bytes, method, params } = request
    const route = { pool: this.#pool, replacements: [] }
    switch (method) {
      case 'ping': {
        const connection = this.#findForPing(session)
        if (connection === undefined) break
        this.#ping(session, connection, Buffer.from(bytesAt(bytes, request.id)))
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
        if (tool === undefined || !this.#disabled.has(tool)) break
        session.sendError(bytesAt(bytes, request.id), toSwitchedOff(this.#pool.server.name, tool))
        return
      }
      case 'tools/list':
        if (this.#disabled.size === 0) break
        this.#parts.send(session, request, {
          ...route,
          toAnswerReplacements: (answer) => this.#hideDisabled(answer),
        })
        return
    }
    this.#parts.send(session, request, route)
  }

  onNotification(session: Session, notification: RpcNotification): void {
    const upstream = this.#pool.acquire(session.key)
    if (upstream.connection !== undefined) {
      session.sendTo(upstream.connection, [notification.bytes])
      return
    }
    const copy = Buffer.from(notification.bytes)
    session.addWaiting(copy.length)
    upstream.whenReady().then(
      (connection) => {
        session.addWaiting(-copy.length)
        session.sendTo(connection, [copy])
      },
      () => {
        // Nobody is there to take it, and a notification has no answer to say so.
        session.addWaiting(-copy.length)
      },
    )
  }

  /** To hear whether a server lives that has a process for each client, none more of it need be started. */
  #findForPing(session: Session): Connection | undefined {
    const own = this.#pool.find(session.key)
    if (!this.#pool.isPerSession || (own !== undefined && this.#pool.ownerOf(own) === session.key))
      return undefined
    return this.#pool.upstreams.flatMap(({ connection }) => connection ?? [])[0]
  }

  #ping(session: Session, connection: Connection, id: Buffer): void {
    const { name, timeouts } = this.#pool.server
    connection.request('ping', undefined, timeouts.requestSeconds * 1000).then(
      (answer) => {
        if (answer.id !== undefined) session.send(splice(answer.bytes, [{ span: answer.id, bytes: id }]))
      },
      () => {
        session.sendError(id, toTimedOut(name, 'ping', timeouts.requestSeconds))
      },
    )
  }

  #hideDisabled({ bytes, result }: RpcResponse): Replacement[] {
    const span = findMember(bytes, result, 'tools')
    if (span === undefined) return []
    const kept = readElements(bytes, span).filter((tool) => {
      return !this.#disabled.has(readString(bytes, findMember(bytes, tool, 'name')) ?? '')
    })
    return [{ span, bytes: toArray(kept.map((tool) => bytesAt(bytes, tool))) }]
  }
}
