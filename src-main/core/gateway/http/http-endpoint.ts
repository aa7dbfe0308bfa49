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
  type Refusal,
  type Reply,
} from './answers.ts'
import { BodyBudget } from './bodies/body-budget.ts'
import { createDoor, isOpenToAll, isUnspecified, toListenAddress, toUrl, type Door } from './guards/door.ts'
import { checkRequest, type TokenCheck } from './guards/guards.ts'
import { Connections } from './listener/connections.ts'
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
  // For tests, which have no hours to wait:
  readonly sessionLimits?: SessionLimits
  readonly bodies?: BodyBudget
  readonly bodyMs?: number
  /** How long a client that does not keep up may hold up its servers, in milliseconds. */
  readonly stallMs?: number
}

/** An address that is listened on, and what holds there. */
interface Place {
  readonly connections: Connections
  listener: Listener | undefined
  /** Undefined: what comes is not let in, or not any more. */
  door: Door | undefined
}

const healthy = '{"status":"ok"}'
/** How long what is in flight at an address that is left may take, in milliseconds. */
const leaveMs = 10_000
/** The same when Patchbay stops. */
const stopMs = 1000

/** Everything that is reached over HTTP. */
export class HttpEndpoint {
  readonly #sessions: SessionTable<HttpSession | SseSession>
  readonly #mcp: McpEndpoint
  readonly #sse: SseEndpoint
  readonly #token: AccessToken
  readonly #tokenCheck: TokenCheck
  readonly #leaving = new Set<Listener>()
  readonly #logger: Logger
  #gateway: GatewaySettings
  #place: Place | undefined
  #isClosed = false

  constructor(options: HttpOptions) {
    const { gateway, limits, token, wrongTokens, router, logger } = options
    this.#gateway = gateway
    this.#token = token
    this.#logger = logger
    this.#sessions = new SessionTable(options.sessionLimits)
    const { stallMs = 10_000, bodies = new BodyBudget(), bodyMs = 120_000 } = options
    const parts = { router, limits, sessions: this.#sessions, logger, stallMs, bodies, bodyMs }
    this.#mcp = new McpEndpoint(parts)
    this.#sse = new SseEndpoint(parts)
    this.#tokenCheck = {
      isRight: (given) => token.isSame(given),
      onWrong: () => wrongTokens.note('http'),
    }
  }

  /** The address that clients on this computer use; undefined while there is none. */
  get url(): string | undefined {
    const listener = this.#place?.listener
    return listener && toUrl(this.#gateway.host, listener.port)
  }

  /** Listens. Rejects with PortTaken or AddressUnusable; then nothing is open. */
  async open(): Promise<void> {
    await this.#listen(this.#gateway)
  }

  /**
   * Goes over to other settings. Who may come in changes first, then the address: another one is listened on before the
   * old one is left; sessions go on. Rejects as `open` does when there can be no other address. Then the old one stays
   * where that is possible: `url` tells.
   */
  async apply(next: GatewaySettings): Promise<void> {
    refuseIfOpenToAll(next)
    const place = this.#place
    if (place?.listener === undefined) {
      await this.#listen(next)
      return
    }
    const { port } = place.listener
    const before = this.#gateway
    const isElsewhere = toListenAddress(next.host) !== toListenAddress(before.host)
    const isMoved = isElsewhere || (next.port !== before.port && next.port !== port)
    this.#admit(place, isMoved ? { ...next, host: before.host, port: before.port } : next, port)
    if (isMoved) await this.#move(place, { ...this.#gateway, port }, next)
  }

  /** There is another token: sessions that came with the one before are over. */
  endSessionsWithToken(): void {
    this.#sessions.close((session) => session.isWithToken)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#sessions.end()
    if (this.#place !== undefined) this.#leave(this.#place)
    await Promise.all([...this.#leaving].map((listener) => listener.close(stopMs)))
  }

  /** Lets in whom these settings want in at an address that stays, and nobody else. */
  #admit(place: Place, wanted: GatewaySettings, port: number): void {
    // Without a token is for where no other computer comes by, and we may be elsewhere still.
    const gateway: GatewaySettings = isOpenToAll(wanted) ? { ...wanted, auth: 'token' } : wanted
    this.#gateway = gateway
    place.door = createDoor(gateway, port)
    if (gateway.auth === 'token') this.#sessions.close((session) => !session.isWithToken)
  }

  async #move(old: Place, before: GatewaySettings, next: GatewaySettings): Promise<void> {
    try {
      await this.#listen(next)
      this.#leave(old)
      return
    } catch (error) {
      if (!(error instanceof PortTaken) || next.port !== before.port) throw error
    }
    // We may be in our own way: all addresses of this computer are more than the one before, or less.
    this.#place = undefined
    this.#leave(old)
    try {
      await this.#listen(next)
    } catch (error) {
      await this.#listen(before)
      throw error
    }
  }

  async #listen(gateway: GatewaySettings): Promise<void> {
    refuseIfOpenToAll(gateway)
    const place: Place = { connections: new Connections(), door: undefined, listener: undefined }
    place.listener = await openListener(gateway.host, gateway.port, {
      onConnection: (socket) => {
        place.connections.add(socket)
      },
      onRequest: (request, response, isAsking) => {
        this.#onRequest({ request, response, isAsking }, place)
      },
    })
    // It was closed while we waited for the port.
    if (this.#isClosed) {
      await place.listener.close(0)
      return
    }
    place.door = createDoor(gateway, place.listener.port)
    this.#gateway = gateway
    this.#place = place
    if (isUnspecified(gateway.host) && gateway.allowedHosts.length === 0)
      this.#logger.warning(
        'HTTP listens for other computers, too, but goes by no name that they can use: add it to gateway.allowedHosts.',
        { host: gateway.host },
      )
  }

  /** Takes nothing new there, and lets what is in flight come to its end. */
  #leave(place: Place): void {
    const { listener, connections } = place
    place.door = undefined
    if (listener === undefined) return
    connections.endAfterAnswers()
    this.#leaving.add(listener)
    void listener.close(leaveMs).finally(() => this.#leaving.delete(listener))
  }

  #onRequest({ request, response, isAsking }: Arrival, { door, connections }: Place): void {
    const { method = '', url: target = '', rawHeaders, socket } = request
    if (door === undefined) {
      response.shouldKeepAlive = false
      sendRefusal({ response, headers: baseHeaders }, addressLeft, toPlainBody(addressLeft))
      return
    }
    const verdict = checkRequest({ method, target, rawHeaders }, door, this.#tokenCheck)
    const { cors, isWithToken } = verdict
    connections.note(socket, isWithToken || door.auth === 'none')
    const reply: Reply = { response, headers: cors.length === 0 ? baseHeaders : [...baseHeaders, ...cors] }
    if (verdict.outcome === 'preflight') {
      sendEmpty(reply, 204)
      return
    }
    if (verdict.outcome === 'refuse') {
      const { refusal, isMcp } = verdict
      if (connections.isStranger(socket)) response.shouldKeepAlive = false
      sendRefusal(reply, refusal, isMcp ? toRpcBody(refusal) : toPlainBody(refusal))
      return
    }
    const { route, head } = verdict
    if (route.kind === 'healthz') {
      sendJson(reply, 200, healthy)
      return
    }
    connections.follow(socket, response)
    const token = this.#token.value
    const isStillWelcome = (): boolean =>
      isWithToken ? this.#token.value === token : this.#gateway.auth === 'none'
    const visit = { request, reply, head, isWithToken, isAsking, isStillWelcome }
    if (route.kind === 'mcp') this.#mcp.handle(visit, route.server)
    else if (route.kind === 'sse') this.#sse.open(visit, route.server)
    else if (route.kind === 'messages') this.#sse.post(visit, route.sessionId)
  }
}

/** A request as it comes. */
interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly isAsking: boolean
}

const addressLeft: Refusal = {
  status: 503,
  code: 'address-left',
  message: 'Patchbay goes over to another address; rendezvous.json tells which.',
  headers: ['Retry-After', '1'],
}

/** The configuration refuses this already, but options of the command line come on top of it. */
function refuseIfOpenToAll(gateway: GatewaySettings): void {
  if (!isOpenToAll(gateway)) return
  throw new AddressUnusable(
    `Without a token (auth none) Patchbay listens only where no other computer reaches it, and “${gateway.host}” is elsewhere: leave out one of the two.`,
  )
}
