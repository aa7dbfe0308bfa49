import type { Refusal } from '../answers.ts'
import { isMcpRoute, toMethods, toRoute, type Route } from '../routes.ts'
import { isOurHost, isOurOrigin, type Door } from './door.ts'
import { readRequestHead, type RequestHead } from './request-head.ts'
import { readTarget } from './target.ts'

/** A request as far as it is looked at before it may do anything. */
export interface GuardedRequest {
  readonly method: string
  readonly target: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/** Who may come in, besides what the door says. */
export interface TokenCheck {
  readonly isRight: (token: string) => boolean
  /** A wrong token came; gives for how many seconds others need not be tried, or 0. */
  readonly onWrong: () => number
}

/** What came of it. `cors`: headers by which a browser lets its page see the answer. */
export type Verdict = (
  | {
      readonly outcome: 'pass'
      readonly route: Route
      readonly head: RequestHead
    }
  | { readonly outcome: 'preflight' }
  | { readonly outcome: 'refuse'; readonly refusal: Refusal; readonly isMcp: boolean }
) & {
  readonly cors: readonly string[]
  /** Whether the access token was shown, which it need not be everywhere. */
  readonly isWithToken: boolean
}

const longestAuthorization = 4096

/** Checks a request: its shape, whom it is meant for, who sent it, who they are, and where it goes, in that order. */
export function checkRequest(request: GuardedRequest, door: Door, tokens: TokenCheck): Verdict {
  const { method, target, rawHeaders } = request
  const head = readRequestHead(rawHeaders)
  if (typeof head === 'string') return refuse(toDoubled(head))
  const { host, origin } = head
  if (host === undefined) return refuse(hostMissing)
  const place = readTarget(target)
  if (place === undefined) return refuse(badTarget)
  if (!isOurHost(door, host)) return refuse(foreignHost)
  if (origin === undefined ? isOfForeignPage(head) : !isOurOrigin(door, origin)) return refuse(foreignOrigin)
  const cors = origin === undefined ? noHeaders : toCorsHeaders(origin)
  if (method === 'OPTIONS') {
    if (origin === undefined || head.askedMethod === undefined) return refuse(noOptions, cors)
    return { outcome: 'preflight', cors: [...cors, ...preflightHeaders], isWithToken: false }
  }
  const route = toRoute(place)
  const isMcp = isMcpRoute(route)
  const given = toToken(head.authorization)
  const isWithToken = given !== undefined && tokens.isRight(given)
  const isFree = route.kind === 'healthz' || (door.auth === 'none' && isMcp)
  if (!isFree && !isWithToken) {
    return refuse(
      toUnauthorized(head.authorization === undefined ? undefined : tokens.onWrong()),
      cors,
      isMcp,
    )
  }
  const refusal = findRouteRefusal(method, route)
  if (refusal !== undefined) return { outcome: 'refuse', refusal, isMcp, isWithToken, cors }
  return { outcome: 'pass', route, head, isWithToken, cors }
}

function findRouteRefusal(method: string, route: Route): Refusal | undefined {
  if (route.kind === 'unknown') return unknownPath
  if (route.kind === 'profile') return noProfiles
  const methods = toMethods(route)
  return methods.includes(method) ? undefined : toWrongMethod(methods)
}

function refuse(refusal: Refusal, cors: readonly string[] = noHeaders, isMcp = false): Verdict {
  return { outcome: 'refuse', refusal, isMcp, cors, isWithToken: false }
}

/** What browsers say of a request that a page of somebody else makes without an Origin, such as for an image. */
function isOfForeignPage({ fetchSite = '' }: RequestHead): boolean {
  return /^(?:cross|same)-site$/i.test(fetchSite)
}

const noHeaders: readonly string[] = []

/** The token of an Authorization header; the empty one where it has none that could be right. */
function toToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  if (authorization.length > longestAuthorization) return ''
  return /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
}

function toCorsHeaders(origin: string): readonly string[] {
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Vary',
    'Origin',
    'Access-Control-Expose-Headers',
    'Mcp-Session-Id, WWW-Authenticate',
  ]
}

const preflightHeaders: readonly string[] = [
  'Access-Control-Allow-Methods',
  'GET, POST, DELETE',
  'Access-Control-Allow-Headers',
  'Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name',
  'Access-Control-Max-Age',
  '600',
]

function toDoubled(name: string): Refusal {
  return {
    status: 400,
    code: 'doubled-header',
    message: `The header ${name} may stand in a request only once.`,
  }
}

const hostMissing: Refusal = { status: 400, code: 'no-host', message: 'The request has no Host header.' }

const badTarget: Refusal = {
  status: 400,
  code: 'bad-target',
  message: 'The path of the request is not one: it must begin with a slash and lead nowhere else.',
}

const foreignHost: Refusal = {
  status: 403,
  code: 'foreign-host',
  message: 'Patchbay does not go by the name in the Host header; gateway.allowedHosts can add it.',
}

const foreignOrigin: Refusal = {
  status: 403,
  code: 'foreign-origin',
  message: 'Pages of this origin may not use Patchbay; gateway.allowedOrigins can add it.',
}

const noOptions: Refusal = {
  status: 405,
  code: 'method-not-allowed',
  message: 'OPTIONS is only for browsers that ask before a request of a page.',
  headers: ['Allow', 'GET, POST, DELETE'],
}

const unknownPath: Refusal = {
  status: 404,
  code: 'unknown-path',
  message: 'There is nothing at this path; MCP is at /mcp, and each server at /mcp/servers/{name}.',
}

const noProfiles: Refusal = {
  status: 404,
  code: 'unknown-profile',
  message: 'There is no such profile: profiles are not built yet. Everything is at /mcp.',
}

/** `waitSeconds`: undefined when no token was given at all. */
function toUnauthorized(waitSeconds: number | undefined): Refusal {
  if (waitSeconds !== undefined && waitSeconds > 0) {
    return {
      status: 429,
      code: 'too-many-tries',
      message: 'Too many wrong tokens came; the right one is still let in.',
      headers: ['Retry-After', String(waitSeconds)],
    }
  }
  const where = '“patchbay token” tells where it is'
  const challenge = 'Bearer realm="Patchbay"'
  return {
    status: 401,
    code: waitSeconds === undefined ? 'no-token' : 'bad-token',
    message:
      waitSeconds === undefined
        ? `Patchbay wants its access token, as “Authorization: Bearer …”; ${where}.`
        : `This is not the access token of this Patchbay; ${where}.`,
    headers: [
      'WWW-Authenticate',
      waitSeconds === undefined ? challenge : `${challenge}, error="invalid_token"`,
    ],
  }
}

function toWrongMethod(methods: readonly string[]): Refusal {
  return {
    status: 405,
    code: 'method-not-allowed',
    message: `This path knows ${methods.join(', ')}.`,
    headers: ['Allow', methods.join(', ')],
  }
}
