import { idKey } from '#base/json-head.ts'
import { bytesAt, rpcCodes, type RpcError, type RpcRequest } from '#base/json-rpc.ts'
import type { ServerPool } from '../../upstream/server-pool.ts'
import { ServerUnavailable } from '../../upstream/server-unavailable.ts'
import type { Upstream } from '../../upstream/upstream.ts'
import { isOpen } from '../../upstream/upstream-state.ts'
import { guessServer } from '../catalog/names.ts'
import * as refusals from '../refusals.ts'
import type { Servers } from '../servers.ts'
import { findProgressToken } from '../session/relay.ts'
import type { CallInFlight, Session } from '../session/session.ts'

/** A request that leads nowhere yet. */
export interface Lost {
  readonly session: Session
  readonly request: RpcRequest
  /** The name of a tool or prompt that it is about, if it is about one. */
  readonly name?: string | undefined
  /** Looks once more, now that more is known, and sees to the request; false when it still leads nowhere. */
  readonly retry: () => boolean
  /** What to say when it leads nowhere. */
  readonly refusal: RpcError
}

/**
 * What leads nowhere may be of a server that has not told its lists yet: waits for that, then looks once more. Of a
 * server that is down, its state is what to say. Throws a SyntaxError for a request that is broken inside.
 */
export function awaitTarget(servers: Servers, lost: Lost): void {
  const { session, request, name, refusal } = lost
  const id = Buffer.from(bytesAt(request.bytes, request.id))
  findProgressToken(request.bytes, request.params)
  const { pools, disabled, naming } = servers
  const names = [...pools.map((one) => one.server.name), ...disabled]
  const guess = name === undefined ? undefined : guessServer(name, names, naming)
  const pool = servers.find(guess)
  if (guess !== undefined && pool === undefined) {
    session.sendError(id, refusals.toUnavailable(new ServerUnavailable(guess, { state: 'off' })))
    return
  }
  if (pool !== undefined) {
    // Without known lists, only starting the server can tell whether it has this name.
    const isKnown = !hasNoLists(pool, session) && pool.find(session.key) === undefined
    if (isKnown) session.sendError(id, refusal)
    else waitFor(pool.whenListed(session.key, session.isAlive), id, lost)
    return
  }
  const silent = pools.flatMap((one) => findSilent(one, session))
  if (silent.length > 0) waitFor(Promise.allSettled(silent.map((one) => one.whenListed())), id, lost)
  else if (!lost.retry()) session.sendError(id, refusal)
}

function hasNoLists(pool: ServerPool, session: Session): boolean {
  return Object.values(pool.listsFor(session.key)).every((list) => list.length === 0)
}

/** The upstream that will soon tell the lists of a server of which none are known. Nothing is started for that. */
function findSilent(pool: ServerPool, session: Session): Upstream[] {
  const upstream = pool.find(session.key) ?? pool.upstreams.at(-1)
  if (upstream === undefined || upstream.hasToldLists || !hasNoLists(pool, session)) return []
  return upstream.state.state === 'starting' || isOpen(upstream.state) ? [upstream] : []
}

/** Until `told` settles, the request is in flight like any other: it can be cancelled and ends with its session. */
function waitFor(told: Promise<unknown>, id: Buffer, { session, request, retry, refusal }: Lost): void {
  const key = idKey(request.bytes, request.id)
  const { length } = request.bytes
  let isOver = false
  const forget = (): void => {
    isOver = true
    session.addWaiting(-length)
    if (session.calls.get(key) === call) session.calls.delete(key)
  }
  const call: CallInFlight = { cancel: forget, abandon: forget }
  session.calls.set(key, call)
  session.addWaiting(length)
  const goOn = (error?: unknown): void => {
    if (isOver) return
    forget()
    try {
      if (error instanceof ServerUnavailable) session.sendError(id, refusals.toUnavailable(error))
      else if (!retry()) session.sendError(id, refusal)
    } catch (trouble) {
      // Nobody else would catch it here: the client gets an answer, whatever it was.
      session.sendError(id, toTrouble(trouble))
    }
  }
  told.then(() => {
    goOn()
  }, goOn)
}

function toTrouble(trouble: unknown): RpcError {
  if (trouble instanceof SyntaxError) return { code: rpcCodes.parseError, message: trouble.message }
  const message = `Something went wrong in Patchbay: ${String(trouble)}`
  return { code: rpcCodes.internalError, message, data: { code: 'internal' } }
}
