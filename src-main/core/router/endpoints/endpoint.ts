import type { RpcNotification, RpcRequest } from '#base/json-rpc.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Servers } from '../servers.ts'
import type { Send, Subscriptions } from '../session/subscriptions.ts'
import type { Session } from '../session/session.ts'

/** What a client of an endpoint may ask, once its session is open. */
export interface Endpoint {
  onRequest(session: Session, request: RpcRequest): void
  onNotification(session: Session, notification: RpcNotification): void
}

/** What endpoints are made of. */
export interface EndpointParts {
  readonly servers: Servers
  readonly subscriptions: Subscriptions
  readonly send: Send
  readonly catalogFor: (session: Session) => Catalog
  readonly setLogLevel: (session: Session, request: RpcRequest) => void
}
