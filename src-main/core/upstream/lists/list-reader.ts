import { findMember, readString } from '#base/json-head.ts'
import type { Connection } from '../connection/connection.ts'
import { listKinds, listTable, parseItems, type ListItem, type ListKind } from './list-items.ts'

const maxPages = 1000

/** The lists that a server offers, by the capabilities it named when its session was opened. */
export function toOfferedKinds(connection: Connection): ListKind[] {
  return listKinds.filter((kind) => connection.capabilities.has(listTable[kind].capability))
}

/**
 * Asks for a whole list, page by page. Rejects with a sentence that completes "… because"; a server that does not
 * know the method has an empty list.
 */
export async function readList(
  connection: Connection,
  kind: ListKind,
  timeoutMs: number,
): Promise<ListItem[]> {
  const { method } = listTable[kind]
  const items = new Map<string, ListItem>()
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const params = cursor === undefined ? {} : { cursor }
    const { bytes, result, error } = await connection.request(method, params, timeoutMs)
    if (error !== undefined) {
      // The code alone: what else a server says may hold what no log should.
      const span = findMember(bytes, error, 'code')
      const code = span && bytes.toString('latin1', span.start, Math.min(span.end, span.start + 20))
      if (code === '-32601') return []
      throw new Error(`it answered ${method} with error ${code ?? 'of no code'}`)
    }
    for (const item of parseItems(kind, bytes, findMember(bytes, result, kind))) {
      if (!items.has(item.key)) items.set(item.key, item)
    }
    cursor = readString(bytes, findMember(bytes, result, 'nextCursor'))
    if (cursor === undefined) return [...items.values()]
    if (seen.has(cursor)) throw new Error(`its ${method} comes back to the same page again and again`)
    seen.add(cursor)
  }
  throw new Error(`its ${method} does not end after ${maxPages} pages`)
}
