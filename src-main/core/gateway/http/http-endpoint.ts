import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config, GatewaySettings } from '../../config/config.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Router } from '../../router/router.ts'
import type { AccessToken } from '../access-token.ts'
import type { WrongTokens } from '../wrong-tokens.ts'
import {
  baseHeaders,
  sendEmpty,
  sendJson,
  sendRefusal,
  toPlainBody,
  toRpcBody,
  type Reply,
} from './answers.ts'
import { createDoor, isOpenToAll, toListenAddress, toUrl, type Door } from './guards/door.ts'
import { checkRequest, type TokenCheck } from './guards/guards.ts'
import { AddressUnusable, openListener, PortTaken, type Listener } from './listener/listener.ts'
import type { HttpSession } from './sessions/http-session.ts'
import { McpEndpoint } from './sessions/mcp-endpoint.ts'
import { SessionTable, type SessionLimits } from './sessions/session-table.ts'
import { SseEndpoint } from './sessions/sse-endpoint.ts'
import type { SseSession } from './sessions/sse-session.ts'

/** What the HTTP gateway needs. */
export interface HttpOptions {
  readonly gateway: GatewaySettings
  /** What holds for requests that come after a change. */
  readonly limits: Config['limits']
  readonly token: AccessToken
  readonly wrongTokens: WrongTokens
  readonly router: Router
  readonly logger: Logger
  readonly sessionLimits?: SessionLimits
  /** How long a stream may take nothing while its client is congested, in milliseconds. */
  readonly stallMs?: number
}

/** An address that is listened on, and what holds there. */
interface Place {
  listener: Listener | undefined
  door: Door | undefined
}

const healthy = '{"status":"ok"}'

/** Everything that is reached over HTTP. */
export class HttpEndpoint {
  readonly #sessions: SessionTable<HttpSession | SseSession>
  readonly #mcp: McpEndpoint
  readonly #sse: SseEndpoint
  readonly #tokenCheck: TokenCheck
  #gateway: GatewaySettings
  #place: Place | undefined

  constructor(options: HttpOptions) {
    const { gateway, limits, token, wrongTokens, router, logger } = options
    this.#gateway = gateway
    this.#sessions = new SessionTable(options.sessionLimits)
    const { stallMs = 10_000 } = options
    const parts = { router, limits, sessions: this.#sessions, logger, stallMs }
    this.#mcp = new McpEndpoint(parts)
    this.#sse = new SseEndpoint(parts)
    this.#tokenCheck = {
      isRight: (given) => token.isSame(given),
      onWrong: () => wrongTokens.note('http'),
    }
  }

  /** The address that clients on this computer use; undefined until it is open. */
  get url(): string | undefined {
    const listener = this.#place?.listener
    return listener && toUrl(this.#gateway.host, listener.port)
  }

  /** Listens. Rejects with PortTaken or AddressUnusable; then nothing is open. */
  async open(): Promise<void> {
    await this.#listen(this.#gateway)
  }

  /**
   * Goes over to other settings. Another address is listened on before the old one is closed; sessions go on. Rejects
   * as `open` does, and then all is as it was.
   */
  async apply(next: GatewaySettings): Promise<void> {
    const before = this.#gateway
    const old = this.#place
    if (old?.listener === undefined) return
    const { port } = old.listener
    const isElsewhere = toListenAddress(next.host) !== toListenAddress(before.host)
    const isMoved = isElsewhere || (next.port !== before.port && next.port !== port)
    if (isMoved) await this.#move(old, { ...before, port }, next)
    else {
      refuseIfOpenToAll(next)
      this.#gateway = next
      old.door = createDoor(next, port)
    }
    if (next.auth === 'token') this.#sessions.close((session) => !session.isWithToken)
    if (isMoved) await leave(old)
  }

  /** There is another token: sessions that came with the one before are over. */
  endSessionsWithToken(): void {
    this.#sessions.close((session) => session.isWithToken)
  }

  async close(): Promise<void> {
    this.#sessions.end()
    if (this.#place !== undefined) await leave(this.#place)
  }

  async #move(old: Place, before: GatewaySettings, next: GatewaySettings): Promise<void> {
    try {
      await this.#listen(next)
      return
    } catch (error) {
      if (!(error instanceof PortTaken) || next.port !== before.port) throw error
    }
    // We may be in our own way: all addresses of this computer are more than the one before, or less.
    await leave(old)
    try {
      await this.#listen(next)
    } catch (error) {
      await this.#listen(before)
      throw error
    }
  }

  async #listen(gateway: GatewaySettings): Promise<void> {
    refuseIfOpenToAll(gateway)
    const place: Place = { door: undefined, listener: undefined }
    place.listener = await openListener(gateway.host, gateway.port, (request, response) => {
      if (place.door !== undefined) this.#onRequest(request, response, place.door)
      // The address is being left: what was begun there comes to its end, and nothing more.
      else request.socket.destroy()
    })
    place.door = createDoor(gateway, place.listener.port)
    this.#gateway = gateway
    this.#place = place
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, door: Door): void {
    const { method = '', url: target = '', rawHeaders } = request
    if (response.socket === null) closeWithConnection(request, response)
    const verdict = checkRequest({ method, target, rawHeaders }, door, this.#tokenCheck)
    const { cors } = verdict
    const reply: Reply = { response, headers: cors.length === 0 ? baseHeaders : [...baseHeaders, ...cors] }
    if (verdict.outcome === 'preflight') {
      sendEmpty(reply, 204)
      return
    }
    if (verdict.outcome === 'refuse') {
      const { refusal, isMcp } = verdict
      sendRefusal(reply, refusal, isMcp ? toRpcBody(refusal) : toPlainBody(refusal))
      return
    }
    const { route, head, isWithToken } = verdict
    const visit = { request, reply, head, isWithToken }
    if (route.kind === 'mcp') this.#mcp.handle(visit, route.server)
    else if (route.kind === 'sse') this.#sse.open(visit, route.server)
    else if (route.kind === 'messages') this.#sse.post(visit, route.sessionId)
    else sendJson(reply, 200, healthy)
  }
}

async function leave(place: Place): Promise<void> {
  place.door = undefined
  await place.listener?.close()
}

/**
 * Lets a response that waits for earlier ones on its connection know when that is closed: Node 20 tells only the one
 * whose turn it is.
 */
function closeWithConnection(request: IncomingMessage, response: ServerResponse): void {
  request.socket.once('close', () => {
    if (response.socket !== null || response.destroyed) return
    response.destroy()
    response.emit('close')
  })
}

/** The configuration refuses this already, but options of the command line come on top of it. */
function refuseIfOpenToAll(gateway: GatewaySettings): void {
  if (!isOpenToAll(gateway)) return
  throw new AddressUnusable(
    `Without a token (auth none) Patchbay listens only where no other computer reaches it, and “${gateway.host}” is elsewhere: leave out one of the two.`,
  )
}
