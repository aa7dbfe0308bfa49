import type { ServerResponse } from 'node:http'
import type { Parts } from '#base/splice.ts'

/** A response to be given, with the headers that every answer to this request carries: names and values in turn. */
export interface Reply {
  readonly response: ServerResponse
  readonly headers: readonly string[]
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: number
  /** One of a closed list, for programs. */
  readonly code: string
  /** A sentence or two for people. */
  readonly message: string
  /** Headers besides: names and values in turn. */
  readonly headers?: readonly string[]
  /** The code of JSON-RPC that says it best, where it is not -32000. */
  readonly rpcCode?: number
}

/** Headers of every answer. */
export const baseHeaders: readonly string[] = ['X-Content-Type-Options', 'nosniff']

/** What nobody on the way may keep. */
const unkept = ['Cache-Control', 'no-store']

/** Headers of an answer that is so many bytes of JSON. */
export function toJsonHeaders(bytes: number): string[] {
  return [...unkept, 'Content-Type', 'application/json', 'Content-Length', String(bytes)]
}

// Free for implementations, and outside of what the specification has given a meaning (MCP 2026-07-28, "Error codes").
const serverError = -32000

/** The body of a refusal for clients of MCP; `id` is that of the request, as JSON. */
export function toRpcBody({ code, message, rpcCode = serverError }: Refusal, id = 'null'): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code: rpcCode, message, data: { code } })}}`
}

/** The body of a refusal for everybody else. */
export function toPlainBody({ code, message }: Refusal): string {
  return JSON.stringify({ error: { code, message } })
}

/** Answers with JSON. */
export function sendJson({ response, headers }: Reply, status: number, body: string | Buffer): void {
  if (response.destroyed) return
  response.writeHead(status, [...headers, ...toJsonHeaders(Buffer.byteLength(body))])
  response.end(body)
}

/** Answers with a status alone. */
export function sendEmpty({ response, headers }: Reply, status: number): void {
  if (response.destroyed) return
  // These have no body by themselves, and must not tell of its length.
  const length = status === 204 ? [] : ['Content-Length', '0']
  response.writeHead(status, [...headers, ...unkept, ...length])
  response.end()
}

const tooSlow = 408
const dumpedBytes = 64 * 1024
const lingerMs = 1000

/** Refuses a request. What is still to come of a long body is not waited for: the connection closes. */
export function sendRefusal({ response, headers }: Reply, refusal: Refusal, body: string): void {
  if (response.destroyed) return
  if (response.headersSent) {
    // Something else was begun: that it is over is all that can be told.
    response.destroy()
    return
  }
  const { req: request } = response
  const all = [...headers, ...(refusal.headers ?? [])]
  const announced = Number(request.headers['content-length'] ?? 0)
  const { expect, 'transfer-encoding': coding } = request.headers
  // Who was not told to go on with a body may leave it out: what comes next would be taken for it.
  const isEndless = announced > dumpedBytes || coding !== undefined || expect !== undefined
  const isLong = isEndless || refusal.status === tooSlow
  if (request.complete || !isLong) {
    sendJson({ response, headers: all }, refusal.status, body)
    return
  }
  const length = Buffer.byteLength(body)
  response.shouldKeepAlive = false
  response.writeHead(refusal.status, [...all, ...toJsonHeaders(length)])
  response.write(body)
  // Closing while the client still writes would take our answer away from it: it gets a moment to read it.
  const close = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(() => {
    close()
    request.destroy()
  }, lingerMs)
  request.on('end', close).resume()
}

/** All of a message as one piece. */
export function joinParts(parts: Parts): Buffer {
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
}
