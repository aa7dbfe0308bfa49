import { RpcError } from './kit.ts'
import { toText, type JsonObject } from './json-values.ts'

/** Which part of a list is wanted. */
export interface PageRequest {
  readonly pageSize: number | undefined
  readonly cursor: unknown
}

/** A list result: everything, or one page of it with the cursor of the next. */
export function toPage(member: string, items: readonly JsonObject[], request: PageRequest): JsonObject {
  const { pageSize, cursor } = request
  if (pageSize === undefined) return { [member]: items }
  const start = cursor === undefined ? 0 : Number(/^from-(\d+)$/.exec(toText(cursor))?.[1] ?? NaN)
  if (Number.isNaN(start)) throw new RpcError(-32602, 'Unknown cursor.')
  const end = start + pageSize
  return { [member]: items.slice(start, end), ...(end < items.length ? { nextCursor: `from-${end}` } : {}) }
}
