// What an HTTP test server received, so that a test can prove that nothing was sent twice.
import type { IncomingMessage } from 'node:http'

/** One HTTP request. */
export interface RecordedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** `method` of the JSON-RPC message; null for answers and for other bodies. */
  readonly rpcMethod: string | null
  /** Its id, as JSON. */
  readonly rpcId: string | null
  readonly body: string
}

function parseMessage(body: string): { readonly method?: unknown; readonly id?: unknown } {
  try {
    return (JSON.parse(body) as { method?: unknown } | null) ?? {}
  } catch {
    return {}
  }
}

/** One received request for the record. */
export function toRecordedRequest(request: IncomingMessage, body: Buffer): RecordedRequest {
  const text = body.toString('utf8')
  const { method, id } = parseMessage(text)
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    rpcMethod: typeof method === 'string' ? method : null,
    rpcId: id === undefined ? null : JSON.stringify(id),
    // Big ones are told by their beginning.
    body: text.slice(0, 10_000),
  }
}

/** The calls of one tool. */
export function findCalls(record: readonly RecordedRequest[], tool: string): RecordedRequest[] {
  return record.filter(({ rpcMethod, body }) => rpcMethod === 'tools/call' && body.includes(`"${tool}"`))
}
