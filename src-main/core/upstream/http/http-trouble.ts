import { replaceControls, toQuotation } from '#base/plain-text.ts'
import { readElements, readHead, readMembers, readString, type Span } from '#base/json-head.ts'
import type { CarrierEnd, RequestFailure } from '../connection/carrier.ts'
import { RedirectRefused, type HttpResponse } from './http-client.ts'
import { ProxyFailure, ProxyUnusable } from './proxy.ts'

/** Why a request over HTTP came to nothing. */
export interface HttpTrouble {
  /** Completes "… because {reason}". */
  readonly reason: string
  /** What it means for the server as a whole. */
  readonly kind: CarrierEnd['kind']
  /** What it means for this one request. */
  readonly failure: RequestFailure['kind']
  /** Whether it was the server itself that said so: then there is no doubt that it is there. */
  readonly isOfServer?: boolean
  readonly retryAfterMs?: number
}

/** Whether it makes one doubt that the server is there. */
export function isDoubtful({ kind, isOfServer }: HttpTrouble): boolean {
  return kind === 'unreachable' && isOfServer !== true
}

/** Errors after which the server cannot have seen anything of the request. */
const unreached = new Map([
  ['ECONNREFUSED', 'nothing listens at its address'],
  ['ENOTFOUND', 'its name cannot be found; is the network there?'],
  ['EAI_AGAIN', 'its name cannot be found now; is the network there?'],
  ['EHOSTUNREACH', 'the network does not reach it'],
  ['ENETUNREACH', 'the network does not reach it'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it did not take a connection in time'],
])
/** Those of them that do not come only while a connection is opened. */
const routeErrors = new Set(['EHOSTUNREACH', 'ENETUNREACH'])
/** Errors of ours, before anything is sent. */
const unsent = new Map([
  ['UND_ERR_INVALID_ARG', 'the request to it cannot be sent as it is'],
  ['UND_ERR_NOT_SUPPORTED', 'the request to it cannot be sent as it is'],
])
const certificate = /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_/
/** What the library says when a proxy does not open a way to the server. */
const proxyRefusal = /^Proxy (?:response|Authentication Required) \((\d+)\)/

/** What an error of the connection means. */
export function toNetworkTrouble(error: Error): HttpTrouble {
  if (error instanceof RedirectRefused || error instanceof ProxyUnusable)
    return { reason: error.message, kind: 'refused', failure: 'refused' }
  const isOfProxy = error instanceof ProxyFailure
  const { code, syscall } = findCause(error)
  const known = unreached.get(code)
  if (known !== undefined) {
    const what = isOfProxy ? 'the proxy that the environment names cannot be reached' : known
    // A connection that was there already may break with these as well.
    const isUntouched = !routeErrors.has(code) || syscall === 'connect'
    return {
      reason: `${what} (${code})`,
      kind: 'unreachable',
      failure: isUntouched ? 'refused' : 'failed',
    }
  }
  const status = proxyRefusal.exec(error.message)?.[1]
  if (status !== undefined) {
    const reason = `the proxy does not let us through to it (HTTP ${status})`
    return { reason, kind: status === '407' ? 'refused' : 'unreachable', failure: 'refused' }
  }
  const own = unsent.get(code)
  if (own !== undefined) return { reason: `${own} (${code})`, kind: 'refused', failure: 'refused' }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { reason: `the head of its answer is too long (${code})`, kind: 'lost', failure: 'failed' }
  }
  if (certificate.test(code)) {
    const advice =
      'where a company checks connections, its certificate must be among those of the system, or in NODE_EXTRA_CA_CERTS'
    return {
      reason: `its certificate is not trusted (${code}); ${advice}`,
      kind: 'refused',
      failure: 'refused',
    }
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    const reason = `what answers there does not speak HTTPS as it should (${code}); is http:// meant?`
    return { reason, kind: 'refused', failure: 'refused' }
  }
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    return {
      reason: `what answers there does not speak HTTP as it should (${code})`,
      kind: 'lost',
      failure: 'failed',
    }
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return { reason: 'it did not begin to answer in time', kind: 'lost', failure: 'failed' }
  }
  return { reason: `the connection was cut (${code})`, kind: 'lost', failure: 'failed' }
}

/** The code of an error, or of what caused it, and the call of the system that failed. */
function findCause(error: Error): { readonly code: string; readonly syscall?: string } {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const inner = at instanceof AggregateError ? (at.errors[0] as unknown) : undefined
    const { code, syscall } = (inner instanceof Error ? inner : at) as NodeJS.ErrnoException
    if (typeof code === 'string' && code !== 'UND_ERR') return { code, ...(syscall && { syscall }) }
  }
  return { code: error.name }
}

const sentences = new Map([
  [401, 'it wants a sign-in or another key'],
  [403, 'it forbids this'],
  [404, 'there is nothing at its address'],
  [405, 'it takes no such requests at its address'],
  [406, 'it cannot answer in any form that we take'],
  [408, 'it waited too long for us'],
  [413, 'the request is too large for it'],
  [415, 'it does not take JSON'],
  [429, 'it gets too many requests'],
  [500, 'something went wrong in it'],
  [502, 'what stands before it does not reach it'],
  [503, 'it cannot take requests now'],
  [504, 'what stands before it gets no answer from it'],
])
/** Refusals that may be over after a while. */
const passing = new Set([408, 425, 429])
/** Errors of a server that are no others after a while. */
const lasting = new Set([501, 505])
/** Refusals that come before a request is looked into: it cannot have had any effect. */
const untouched = new Set([401, 403, 404, 405, 406, 413, 415, 425, 429, 501, 505])
/** Whoever says this to everything does not serve us, even if something is there. */
const deaf = new Set([401, 403, 404])

/** What a response means that is not what was asked for. `body` is its beginning. */
export function toStatusTrouble(response: HttpResponse, body: Buffer): HttpTrouble {
  const { status } = response
  const said = findErrorMessage(body)
  const words = sentences.get(status) ?? 'it refuses the request'
  const wait = toWaitMs(response.header('retry-after'), Date.now())
  const advice = wait === undefined ? '' : `; it asks to be left alone for ${Math.ceil(wait / 1000)} s`
  return {
    reason: `${words} (HTTP ${status}${said === undefined ? '' : `: ${toQuotation(said)}`})${advice}`,
    kind: (status >= 500 && !lasting.has(status)) || passing.has(status) ? 'unreachable' : 'refused',
    failure: status < 400 || untouched.has(status) ? 'refused' : 'failed',
    ...(status >= 500 || deaf.has(status) ? {} : { isOfServer: true }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  }
}

/** What a response means that came without an error, but is not an answer either. */
export function toFormTrouble(response: HttpResponse): HttpTrouble {
  const type = toMediaType(response.header('content-type'))
  const what =
    type === '' ? 'without saying what it is' : `with ${replaceControls(type.slice(0, 60), '\ufffd')}`
  const advice = type === 'text/html' ? '; is this the address of an MCP server?' : ''
  return {
    reason: `it answered ${what} in place of JSON (HTTP ${response.status})${advice}`,
    kind: 'refused',
    failure: 'failed',
    isOfServer: true,
  }
}

/** Whether a body is compressed. */
export function isEncoded(response: HttpResponse): boolean {
  return !['', 'identity'].includes(response.header('content-encoding')?.trim().toLowerCase() ?? '')
}

/** What it means when a body is compressed: we cannot read it. */
export function toEncodedTrouble(): HttpTrouble {
  const reason = 'it compressed its answer, though it was asked not to'
  return { reason, kind: 'refused', failure: 'failed', isOfServer: true }
}

/** The media type of a Content-Type header, without parameters; '' when there is none. */
export function toMediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** How long Retry-After asks to wait, at most an hour (RFC 9110, 10.2.3); `now` is in milliseconds since 1970. */
export function toWaitMs(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined
  const wait = /^\d{1,9}$/.test(retryAfter.trim()) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 3_600_000)
}

/** What a JSON body says is wrong: the message of a JSON-RPC error, or the like. */
function findErrorMessage(body: Buffer): string | undefined {
  try {
    const { error } = readHead(body)
    const inner =
      error !== undefined && body[error.start] === 0x7b ? readMembers(body, error) : readMembers(body)
    const texts = ['message', 'error_description', 'error', 'detail'].map((key) =>
      readString(body, inner.get(key)),
    )
    const text = texts.find((one) => one !== undefined && one.trim() !== '')
    return text?.trim()
  } catch (error) {
    // Whatever it is, it tells us nothing more.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

// As SDKs and their examples have it: other texts may speak of sessions of another kind.
const lostSession =
  /^(?:(?:bad request|not found): )?(?:(?:no valid|invalid or expired|invalid|expired|missing|unknown) (?:mcp )?session(?: ?id)?(?: provided)?|session(?: ?id)? (?:is )?(?:not found|unknown|invalid|expired)|session has (?:expired|been terminated)|mcp-session-id header is required|server not initialized)[.!]?$/i

/**
 * Whether a response to a request with a session id says that the server has forgotten the session: 404 (MCP
 * 2025-11-25, "Session Management"), or 400 as servers made after the SDK's examples have it. With an answer to the
 * very request that is so only for 404, and where it says it.
 */
export function isSessionForgotten(status: number, body: Buffer, isAnswer = false): boolean {
  if (status !== 404 && status !== 400) return false
  if (status === 404 && !isAnswer) return true
  return !(status === 400 && isAnswer) && lostSession.test(findErrorMessage(body) ?? '')
}

const newline = 0x0a
const carriageReturn = 0x0d
const blank = 0x20
const openBracket = 0x5b

/**
 * The messages of a body or of an event, each without line ends, since a line is how they go on. Between the tokens of
 * JSON a line end is blank space, and within them it cannot stand. Several may stand in an array (MCP 2025-03-26,
 * "Batching").
 */
export function toLines(bytes: Buffer): Buffer[] {
  for (const end of [newline, carriageReturn]) {
    for (let at = bytes.indexOf(end); at !== -1; at = bytes.indexOf(end, at + 1)) bytes[at] = blank
  }
  const text = trim(bytes)
  if (text.length === 0) return []
  if (text[0] !== openBracket) return [text]
  try {
    return readElements(text, { start: 0, end: text.length }).map(({ start, end }: Span) =>
      text.subarray(start, end),
    )
  } catch (error) {
    if (error instanceof SyntaxError) return [text]
    throw error
  }
}

function trim(bytes: Buffer): Buffer {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  let end = bytes.length
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  return bytes.subarray(start, end)
}

function isBlank(byte: number | undefined): boolean {
  return byte === blank || byte === 0x09
}
