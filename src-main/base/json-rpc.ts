import { readHead, readMembers, type Head, type Span } from './json-head.ts'
import type { Parts } from './splice.ts'

/** A request as it came: `bytes` is the whole line, the spans tell where its parts stand. */
export interface RpcRequest {
  readonly kind: 'request'
  readonly bytes: Buffer
  readonly id: Span
  readonly method: string
  readonly params?: Span | undefined
}

/** A notification as it came. */
export interface RpcNotification {
  readonly kind: 'notification'
  readonly bytes: Buffer
  readonly method: string
  readonly params?: Span | undefined
}

/** A response as it came. `id` is missing when the sender wrote null for it; `result` or `error` when it lacks it. */
export interface RpcResponse {
  readonly kind: 'response'
  readonly bytes: Buffer
  readonly id?: Span | undefined
  readonly result?: Span | undefined
  readonly error?: Span | undefined
}

/** A line that is no JSON-RPC message, with the error code to answer it with and, where it can be told, its id. */
interface RpcFault {
  readonly kind: 'fault'
  readonly bytes: Buffer
  readonly code: number
  readonly reason: string
  readonly id?: Span
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse | RpcFault

/** Error codes of JSON-RPC 2.0, section 5.1. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const

const zero = 0x30
const nine = 0x39
const quote = 0x22
const minus = 0x2d

function isId(bytes: Buffer, span: Span): boolean {
  const first = bytes[span.start] ?? 0
  return first === quote || first === minus || (first >= zero && first <= nine)
}

/** Reads what kind of message a line is. Never throws. */
export function parseMessage(bytes: Buffer): RpcMessage {
  let head: Head
  try {
    head = readHead(bytes)
  } catch (error) {
    return toFault(bytes, error)
  }
  return toMessage(bytes, head)
}

/** A longer line is not parsed only to choose the words of its refusal. */
const mostParsedBytes = 64 * 1024

/** What is wrong with a line that is no JSON object. */
function toFault(bytes: Buffer, error: unknown): RpcFault {
  try {
    if (bytes.length > mostParsedBytes) throw error
    const isBatch = Array.isArray(JSON.parse(bytes.toString()))
    const reason = isBatch ? 'Batches are not supported here.' : 'A message must be a JSON object.'
    return { kind: 'fault', bytes, code: rpcCodes.invalidRequest, reason }
  } catch {
    const reason = error instanceof Error ? error.message : 'Not JSON'
    return { kind: 'fault', bytes, code: rpcCodes.parseError, reason }
  }
}

function toMessage(bytes: Buffer, head: Head): RpcMessage {
  const { method, params, result, error } = head
  const id = head.id !== undefined && isId(bytes, head.id) ? head.id : undefined
  if (method !== undefined && id !== undefined) return { kind: 'request', bytes, id, method, params }
  if (method !== undefined && head.id === undefined) return { kind: 'notification', bytes, method, params }
  if (method !== undefined) {
    const reason = 'The id of a request must be a string or a number.'
    return { kind: 'fault', bytes, code: rpcCodes.invalidRequest, reason }
  }
  if (result === undefined && error === undefined && readMembers(bytes).has('method')) {
    const reason = 'The method of a request must be a string.'
    return { kind: 'fault', bytes, code: rpcCodes.invalidRequest, reason, ...(id && { id }) }
  }
  if (head.id !== undefined) return { kind: 'response', bytes, id, result, error }
  return { kind: 'fault', bytes, code: rpcCodes.invalidRequest, reason: 'Neither a method nor an id.' }
}

/** The bytes at a span. */
export function bytesAt(bytes: Buffer, span: Span): Buffer {
  return bytes.subarray(span.start, span.end)
}

const closing = Buffer.from('}')

/** A response with a result; id and result as bytes. */
export function resultLine(id: Buffer, result: Buffer): Parts {
  return [Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(',"result":'), result, closing]
}

/** An error to be sent: a JSON-RPC code, a sentence for people, and data with the closed code of ours. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** A response with an error; an unknown id is null. */
export function errorLine(id: Buffer | undefined, error: RpcError): Parts {
  const { code, message, data } = error
  const body = JSON.stringify(data === undefined ? { code, message } : { code, message, data })
  return [Buffer.from('{"jsonrpc":"2.0","id":'), id ?? Buffer.from('null'), Buffer.from(`,"error":${body}}`)]
}

/** A request of our own. */
export function requestLine(id: number, method: string, params?: unknown): Parts {
  return [Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }))]
}

/** A notification of our own. */
export function notificationLine(method: string, params?: unknown): Parts {
  return [Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }))]
}
