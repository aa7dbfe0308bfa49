/** What we look at of a request's headers. */
export interface RequestHead {
  readonly host?: string
  readonly origin?: string
  readonly authorization?: string
  readonly accept?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly contentLength?: string
  readonly expect?: string
  readonly sessionId?: string
  readonly protocolVersion?: string
  readonly lastEventId?: string
  readonly askedMethod?: string
  readonly fetchSite?: string
}

type Field = keyof RequestHead

/** By name; those that `isOnce` may stand in a request once, the others are lists. */
const fields: ReadonlyMap<string, { readonly field: Field; readonly isOnce: boolean }> = new Map([
  ['host', { field: 'host', isOnce: true }],
  ['origin', { field: 'origin', isOnce: true }],
  ['authorization', { field: 'authorization', isOnce: true }],
  ['accept', { field: 'accept', isOnce: false }],
  ['content-type', { field: 'contentType', isOnce: true }],
  ['content-encoding', { field: 'contentEncoding', isOnce: false }],
  ['content-length', { field: 'contentLength', isOnce: true }],
  ['expect', { field: 'expect', isOnce: true }],
  ['mcp-session-id', { field: 'sessionId', isOnce: true }],
  ['mcp-protocol-version', { field: 'protocolVersion', isOnce: true }],
  ['last-event-id', { field: 'lastEventId', isOnce: true }],
  ['access-control-request-method', { field: 'askedMethod', isOnce: true }],
  ['sec-fetch-site', { field: 'fetchSite', isOnce: true }],
])

/**
 * Reads headers as they came, names and values in turn: Node itself passes over doubles of some. Gives the name of the
 * header that stands there twice, where one does that may not.
 */
export function readRequestHead(raw: readonly string[]): RequestHead | string {
  const head: Partial<Record<Field, string>> = {}
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const known = fields.get(name.toLowerCase())
    if (known === undefined) continue
    const { field, isOnce } = known
    const value = raw[index + 1] ?? ''
    const before = head[field]
    if (before !== undefined && isOnce) return name
    head[field] = before === undefined ? value : `${before}, ${value}`
  }
  return head
}
