import { findMember, findPath, readString, type Span } from '#base/json-head.ts'
import { bytesAt, type RpcError, type RpcRequest, type RpcResponse } from '#base/json-rpc.ts'
import type { Replacement } from '#base/splice.ts'
import { listKinds, listTable, type ListKind } from '../../upstream/lists/list-items.ts'
import type { Target } from '../catalog/catalog.ts'
import { findUriRewrites } from '../catalog/rewrite-uris.ts'
import * as refusals from '../refusals.ts'
import type { Route } from '../session/relay.ts'
import type { Session } from '../session/session.ts'
import { awaitTarget } from './await-target.ts'
import type { Endpoint, EndpointParts } from './endpoint.ts'

const emptyResult = Buffer.from('{}')
const kindByMethod = new Map<string, ListKind>(listKinds.map((kind) => [listTable[kind].method, kind]))

/** Everything behind one endpoint: lists merged, names and URIs led to their servers. */
export class WholeEndpoint implements Endpoint {
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  onRequest(session: Session, request: RpcRequest): void {
    const list = kindByMethod.get(request.method)
    if (list !== undefined) {
      this.#list(session, request, list)
      return
    }
    switch (request.method) {
      case 'ping':
        session.sendResult(bytesAt(request.bytes, request.id), emptyResult)
        return
      case 'tools/call':
        this.#byName(session, request, 'tools')
        return
      case 'prompts/get':
        this.#byName(session, request, 'prompts')
        return
      case 'resources/read':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        this.#byUri(session, request)
        return
      case 'completion/complete':
        this.#complete(session, request)
        return
      case 'logging/setLevel':
        this.#parts.setLogLevel(session, request)
        return
      default:
        this.#unknown(session, request)
    }
  }

  /** Of what it does not know, the whole cannot tell whom it is for. */
  onNotification(): void {
    // Dropped on purpose.
  }

  #list(session: Session, { bytes, id, params }: RpcRequest, kind: ListKind): void {
    if (findMember(bytes, params, 'cursor') !== undefined) {
      this.#refuse(
        session,
        bytesAt(bytes, id),
        refusals.toInvalidParams('There is no such cursor: the list has one page.'),
      )
      return
    }
    for (const pool of this.#parts.servers.pools) pool.learn()
    session.catalog = this.#parts.catalogFor(session)
    session.sendResult(bytesAt(bytes, id), session.catalog.toResult(kind))
  }

  #byName(session: Session, request: RpcRequest, kind: 'tools' | 'prompts'): void {
    const { bytes, id, params } = request
    const span = findMember(bytes, params, 'name')
    const name = readString(bytes, span)
    if (span === undefined || name === undefined) {
      this.#refuse(session, bytesAt(bytes, id), refusals.toInvalidParams('params.name must be a string.'))
      return
    }
    const attempt = (): boolean =>
      this.#send(session, request, this.#parts.catalogFor(session).findName(kind, name), span)
    const refusal = refusals.toUnknownName(kind === 'tools' ? 'tool' : 'prompt', name)
    if (!attempt()) awaitTarget(this.#parts.servers, { session, request, name, retry: attempt, refusal })
  }

  #byUri(session: Session, request: RpcRequest): void {
    const { bytes, id, params } = request
    const span = findMember(bytes, params, 'uri')
    const uri = readString(bytes, span)
    if (span === undefined || uri === undefined) {
      this.#refuse(session, bytesAt(bytes, id), refusals.toInvalidParams('params.uri must be a string.'))
      return
    }
    const find = (): Target | undefined => this.#parts.catalogFor(session).findUri(uri)
    if (this.#sendForUri(session, request, find(), span)) return
    // Which is the only server with resources can be told once all that are starting have told theirs.
    const retry = (): boolean =>
      this.#sendForUri(session, request, find() ?? this.#findOnlyWithResources(uri), span)
    const refusal = refusals.toUnknownUri(uri)
    awaitTarget(this.#parts.servers, { session, request, retry, refusal })
  }

  #sendForUri(session: Session, request: RpcRequest, target: Target | undefined, span: Span): boolean {
    const route = target && this.#toRoute(session, request, target, span)
    if (target === undefined || route === undefined) return false
    const { subscriptions, send } = this.#parts
    if (request.method === 'resources/subscribe') subscriptions.subscribe(session, request, route, target.key)
    else if (request.method === 'resources/unsubscribe')
      subscriptions.unsubscribe(session, request, route, target.key)
    else send(session, request, route)
    return true
  }

  /** A URI in nobody's list need not be nobody's: links in results may lead to what is not listed. */
  #findOnlyWithResources(uri: string): Target | undefined {
    const offering = this.#parts.servers.pools.filter((pool) => pool.offers('resources'))
    const server = offering[0]?.server.name
    return offering.length === 1 && server !== undefined ? { server, key: uri, isDisabled: false } : undefined
  }

  #complete(session: Session, request: RpcRequest): void {
    const { bytes, params } = request
    const isPrompt = readString(bytes, findPath(bytes, params, ['ref', 'type'])) === 'ref/prompt'
    const span = findPath(bytes, params, ['ref', isPrompt ? 'name' : 'uri'])
    const shown = readString(bytes, span)
    const unknown = isPrompt
      ? refusals.toUnknownName('prompt', shown ?? '')
      : refusals.toUnknownUri(shown ?? '')
    const refusal = { ...unknown, code: refusals.toInvalidParams('').code }
    if (span === undefined || shown === undefined) {
      this.#refuse(session, bytesAt(bytes, request.id), refusal)
      return
    }
    const attempt = (): boolean => {
      const catalog = this.#parts.catalogFor(session)
      const target = isPrompt
        ? catalog.findName('prompts', shown)
        : (catalog.findTemplate(shown) ?? catalog.findUri(shown))
      return this.#send(session, request, target, span)
    }
    const name = isPrompt ? shown : undefined
    if (!attempt()) awaitTarget(this.#parts.servers, { session, request, name, retry: attempt, refusal })
  }

  /** A method that we have never heard of goes where its `name` or `uri` leads, or to the only server there is. */
  #unknown(session: Session, request: RpcRequest): void {
    const { bytes, id, params, method } = request
    const nameSpan = findMember(bytes, params, 'name')
    const uriSpan = findMember(bytes, params, 'uri')
    const name = readString(bytes, nameSpan)
    const uri = readString(bytes, uriSpan)
    const attempt = (): boolean => {
      const catalog = this.#parts.catalogFor(session)
      const byName =
        name === undefined
          ? undefined
          : (catalog.findName('tools', name) ?? catalog.findName('prompts', name))
      const byUri = uri === undefined ? undefined : catalog.findUri(uri)
      return this.#send(session, request, byName, nameSpan) || this.#send(session, request, byUri, uriSpan)
    }
    if (attempt()) return
    const [only, ...others] = this.#parts.servers.pools
    const refusal = refusals.toUnknownMethod(method)
    if (only !== undefined && others.length === 0)
      this.#parts.send(session, request, { pool: only, replacements: [] })
    else if (name === undefined && uri === undefined) this.#refuse(session, bytesAt(bytes, id), refusal)
    else awaitTarget(this.#parts.servers, { session, request, retry: attempt, refusal })
  }

  /** Sees to a request that leads somewhere; false when it does not. */
  #send(session: Session, request: RpcRequest, target: Target | undefined, span: Span | undefined): boolean {
    if (target === undefined || span === undefined) return false
    if (target.isDisabled) {
      const refusal = refusals.toSwitchedOff(target.server, target.key)
      this.#refuse(session, bytesAt(request.bytes, request.id), refusal)
      return true
    }
    const route = this.#toRoute(session, request, target, span)
    if (route === undefined) return false
    this.#parts.send(session, request, route)
    return true
  }

  #toRoute(session: Session, { bytes }: RpcRequest, target: Target, span: Span): Route | undefined {
    const pool = this.#parts.servers.find(target.server)
    if (pool === undefined) return undefined
    const isSame = readString(bytes, span) === target.key
    const replacements: Replacement[] = isSame
      ? []
      : [{ span, bytes: Buffer.from(JSON.stringify(target.key)) }]
    const toAnswerReplacements = ({ bytes: answer, result }: RpcResponse): Replacement[] => {
      const aliases = this.#parts.catalogFor(session).aliasesOf(target.server)
      return aliases === undefined ? [] : findUriRewrites(answer, result, aliases)
    }
    return { pool, replacements, toAnswerReplacements }
  }

  #refuse(session: Session, id: Buffer, error: RpcError): void {
    session.sendError(id, error)
  }
}
