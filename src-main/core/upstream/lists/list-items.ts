import { findMember, readElements, readString, type Span } from '#base/json-head.ts'

/** The four lists that a server offers, by the name that the list has in its result (MCP, "Pagination"). */
export const listKinds = ['tools', 'resources', 'resourceTemplates', 'prompts'] as const
export type ListKind = (typeof listKinds)[number]

/** How each list is asked for, what identifies an item of it, and which capability a server needs to have it. */
export const listTable = {
  tools: { method: 'tools/list', key: 'name', capability: 'tools' },
  resources: { method: 'resources/list', key: 'uri', capability: 'resources' },
  resourceTemplates: { method: 'resources/templates/list', key: 'uriTemplate', capability: 'resources' },
  prompts: { method: 'prompts/list', key: 'name', capability: 'prompts' },
} as const satisfies Record<ListKind, { method: string; key: string; capability: string }>

/** One tool, resource, template or prompt, as its server described it, byte for byte. */
export interface ListItem {
  readonly bytes: Buffer
  /** Its name, URI or URI template. */
  readonly key: string
  /** Where that stands in `bytes`. */
  readonly keySpan: Span
}

/** Everything that a server is known to offer. */
export type Lists = Readonly<Record<ListKind, readonly ListItem[]>>

export const emptyLists: Lists = { tools: [], resources: [], resourceTemplates: [], prompts: [] }

/** The items of a list's array. What has no key, or the key of one before it, is left out: nobody could ask for it. */
export function parseItems(kind: ListKind, bytes: Buffer, array: Span | undefined): ListItem[] {
  const items = new Map<string, ListItem>()
  for (const element of readElements(bytes, array)) {
    const keySpan = findMember(bytes, element, listTable[kind].key)
    const key = readString(bytes, keySpan)
    if (keySpan === undefined || key === undefined || items.has(key)) continue
    const { start, end } = element
    const own = Buffer.from(bytes.subarray(start, end))
    items.set(key, { bytes: own, key, keySpan: { start: keySpan.start - start, end: keySpan.end - start } })
  }
  return [...items.values()]
}

/** Whether two lists are the same, byte for byte and in order. */
export function isSameList(a: readonly ListItem[], b: readonly ListItem[]): boolean {
  return a.length === b.length && a.every((item, index) => b[index]?.bytes.equals(item.bytes) === true)
}
