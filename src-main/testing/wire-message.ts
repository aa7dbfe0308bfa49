/** A JSON-RPC message as a test sees it: the line as it came, and what is in it. */
export interface WireMessage {
  readonly text: string
  readonly id?: unknown
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Readonly<Record<string, unknown>>
  }
}

/** Reads a line; one that is no JSON has its text alone. */
export function toWireMessage(text: string): WireMessage {
  try {
    return { ...(JSON.parse(text) as object), text }
  } catch {
    return { text }
  }
}

/** A request; without an id a notification. `id` and `params` are JSON as it is to be written. */
export function toLine(method: string, params?: string, id?: string): string {
  const idMember = id === undefined ? '' : `"id":${id},`
  const paramsMember = params === undefined ? '' : `,"params":${params}`
  return `{"jsonrpc":"2.0",${idMember}"method":${JSON.stringify(method)}${paramsMember}}`
}
