import type { RpcNotification, RpcRequest } from '#base/json-rpc.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Naming } from '../catalog/names.ts'
import type { Send, Subscriptions } from '../session/subscriptions.ts'
import type { Session } from '../session/session.ts'

/** What a client of an endpoint may ask, once its session is open. */
export interface Endpoint {
  onRequest(session: Session, request: RpcRequest): void
  onNotification(session: Session, notification: RpcNotification): void
}

/** What endpoints are made of. */
export interface EndpointParts {
  /** Enabled servers in the order of the configuration. */
  readonly pools: readonly ServerPool[]
  /** Names of servers that are switched off. */
  readonly disabled: readonly string[]
  readonly naming: Naming
  readonly subscriptions: Subscriptions
  readonly send: Send
  readonly catalogFor: (session: Session) => Catalog
  readonly setLogLevel: (session: Session, request: RpcRequest) => void
}
