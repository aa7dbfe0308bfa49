import { findMember, findPath, idKey, readString, type Span } from '#base/json-head.ts'
import { bytesAt, type RpcError, type RpcRequest, type RpcResponse } from '#base/json-rpc.ts'
import type { Replacement } from '#base/splice.ts'
import { listKinds, listTable, type ListKind } from '../../upstream/list-items.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import { ServerUnavailable } from '../../upstream/server-unavailable.ts'
import type { Target } from '../catalog/catalog.ts'
import { guessServer } from '../catalog/names.ts'
import { findUriRewrites } from '../catalog/rewrite-uris.ts'
import * as refusals from '../refusals.ts'
import type { Route } from '../session/relay.ts'
import type { Session } from '../session/session.ts'
import type { Endpoint, EndpointParts } from './endpoint.ts'

const emptyResult = Buffer.from('{}')
const kindByMethod = new Map<string, ListKind>(listKinds.map((kind) => [listTable[kind].method, kind]))

/** Everything behind one endpoint: lists merged, names and URIs led to their servers. */
export class WholeEndpoint implements Endpoint {
  readonly #parts: EndpointParts
  readonly #pools: ReadonlyMap<string, ServerPool>

  constructor(parts: EndpointParts) {
    this.#parts = parts
    this.#pools = new Map(parts.pools.map((pool) => [pool.server.name, pool]))
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
    const target = this.#parts.catalogFor(session).findName(kind, name)
    if (target === undefined) this.#awaitName(session, request, { kind, name })
    else this.#send(session, request, target, span)
  }

  /** A name of a server that has not told its lists yet may still come; of one that is down, that is what to say. */
  #awaitName(
    session: Session,
    request: RpcRequest,
    { kind, name }: { kind: 'tools' | 'prompts'; name: string },
  ): void {
    const id = Buffer.from(bytesAt(request.bytes, request.id))
    const unknown = refusals.toUnknownName(kind === 'tools' ? 'tool' : 'prompt', name)
    const { naming, disabled } = this.#parts
    const guess = guessServer(name, [...this.#pools.keys(), ...disabled], naming)
    const pool = guess === undefined ? undefined : this.#pools.get(guess)
    if (guess !== undefined && pool === undefined) {
      const reason = 'it is switched off in Patchbay'
      this.#refuse(
        session,
        id,
        refusals.toUnavailable(new ServerUnavailable(guess, { state: 'stopped', reason })),
      )
      return
    }
    if (pool === undefined) {
      this.#refuse(session, id, unknown)
      return
    }
    const key = idKey(request.bytes, request.id)
    let isOver = false
    const forget = (): void => {
      isOver = true
      session.calls.delete(key)
    }
    session.calls.set(key, { cancel: forget, abandon: forget })
    pool
      .acquire(session.key)
      .whenListed()
      .then(
        () => {
          if (isOver) return
          forget()
          const target = this.#parts.catalogFor(session).findName(kind, name)
          const span = findMember(request.bytes, request.params, 'name')
          if (target !== undefined && span !== undefined) this.#send(session, request, target, span)
          else this.#refuse(session, id, unknown)
        },
        (error: unknown) => {
          if (isOver) return
          forget()
          this.#refuse(
            session,
            id,
            error instanceof ServerUnavailable ? refusals.toUnavailable(error) : unknown,
          )
        },
      )
  }

  #byUri(session: Session, request: RpcRequest): void {
    const { bytes, id, params, method } = request
    const span = findMember(bytes, params, 'uri')
    const uri = readString(bytes, span)
    if (span === undefined || uri === undefined) {
      this.#refuse(session, bytesAt(bytes, id), refusals.toInvalidParams('params.uri must be a string.'))
      return
    }
    const target = this.#parts.catalogFor(session).findUri(uri) ?? this.#findOnlyWithResources(uri)
    const route = target && this.#toRoute(session, request, target, span)
    if (target === undefined || route === undefined) {
      this.#refuse(session, bytesAt(bytes, id), refusals.toUnknownUri(uri))
      return
    }
    const { subscriptions, send } = this.#parts
    if (method === 'resources/subscribe') subscriptions.subscribe(session, request, route, target.key)
    else if (method === 'resources/unsubscribe')
      subscriptions.unsubscribe(session, request, route, target.key)
    else send(session, request, route)
  }

  /** A URI in nobody's list need not be nobody's: links in results may lead to what is not listed. */
  #findOnlyWithResources(uri: string): Target | undefined {
    const offering = this.#parts.pools.filter((pool) => pool.offers('resources'))
    const server = offering[0]?.server.name
    return offering.length === 1 && server !== undefined ? { server, key: uri, isDisabled: false } : undefined
  }

  #complete(session: Session, request: RpcRequest): void {
    const { bytes, id, params } = request
    const catalog = this.#parts.catalogFor(session)
    const isPrompt = readString(bytes, findPath(bytes, params, ['ref', 'type'])) === 'ref/prompt'
    const span = findPath(bytes, params, ['ref', isPrompt ? 'name' : 'uri'])
    const shown = readString(bytes, span) ?? ''
    const target = isPrompt
      ? catalog.findName('prompts', shown)
      : (catalog.findTemplate(shown) ?? catalog.findUri(shown))
    if (target !== undefined && span !== undefined) this.#send(session, request, target, span)
    else {
      const unknown = isPrompt ? refusals.toUnknownName('prompt', shown) : refusals.toUnknownUri(shown)
      this.#refuse(session, bytesAt(bytes, id), { ...unknown, code: refusals.toInvalidParams('').code })
    }
  }

  /** A method that we have never heard of goes where its `name` or `uri` leads, or to the only server there is. */
  #unknown(session: Session, request: RpcRequest): void {
    const { bytes, id, params, method } = request
    const catalog = this.#parts.catalogFor(session)
    const nameSpan = findMember(bytes, params, 'name')
    const uriSpan = findMember(bytes, params, 'uri')
    const name = readString(bytes, nameSpan)
    const uri = readString(bytes, uriSpan)
    const byName =
      name === undefined ? undefined : (catalog.findName('tools', name) ?? catalog.findName('prompts', name))
    const byUri = uri === undefined ? undefined : catalog.findUri(uri)
    const [only, ...others] = this.#parts.pools
    if (byName !== undefined && nameSpan !== undefined) this.#send(session, request, byName, nameSpan)
    else if (byUri !== undefined && uriSpan !== undefined) this.#send(session, request, byUri, uriSpan)
    else if (only !== undefined && others.length === 0)
      this.#parts.send(session, request, { pool: only, replacements: [] })
    else this.#refuse(session, bytesAt(bytes, id), refusals.toUnknownMethod(method))
  }

  #send(session: Session, request: RpcRequest, target: Target, span: Span): void {
    if (target.isDisabled) {
      const refusal = refusals.toSwitchedOff(target.server, target.key)
      this.#refuse(session, bytesAt(request.bytes, request.id), refusal)
      return
    }
    const route = this.#toRoute(session, request, target, span)
    if (route !== undefined) this.#parts.send(session, request, route)
  }

  #toRoute(session: Session, { bytes }: RpcRequest, target: Target, span: Span): Route | undefined {
    const pool = this.#pools.get(target.server)
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
