import { applyEdits, parseTree, visit, type Edit, type Node } from 'jsonc-parser'
import type { ServerEntry } from './entry.ts'

/** A server to write, under its name. */
interface NamedEntry {
  readonly as: string
  readonly entry: ServerEntry
}

/** How a text is laid out. */
interface Layout {
  readonly unit: string
  readonly lineEnd: string
}

const defaultUnit = '  '

/** A new configuration with these servers. */
export function createConfigText(servers: readonly NamedEntry[]): string {
  return addServers('{\n  "version": 1\n}\n', servers)
}

/**
 * The text of a configuration in JSON, which must be one that holds, with servers after those that are there. Every
 * other character stays: comments, indentation, line ends, order. Each comment stays behind what it followed.
 */
export function addServers(text: string, servers: readonly NamedEntry[]): string {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
  const body = text.slice(mark.length)
  const root = parseTree(body)
  if (root?.type !== 'object') throw new TypeError('A configuration is a group of keys')
  const layout = findLayout(body, root)
  const found = findValue(root, 'servers')
  const lines = servers.map(({ as, entry }) => toProperty(as, entry, layout.unit))
  if (found?.type === 'object') return mark + applyEdits(body, insert(body, found, lines, layout))
  const block = ['{', ...indent(lines.join(',\n'), layout.unit), '}'].join('\n')
  if (found !== undefined) {
    const content = indent(block, layout.unit).join(layout.lineEnd).trimStart()
    return mark + applyEdits(body, [{ offset: found.offset, length: found.length, content }])
  }
  return mark + applyEdits(body, insert(body, root, [`"servers": ${block}`], layout))
}

function toProperty(name: string, value: unknown, unit: string): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value, null, unit)}`
}

function indent(text: string, by: string): string[] {
  return text.split('\n').map((line) => by + line)
}

function findValue(node: Node, name: string): Node | undefined {
  return node.children?.find(({ children }) => children?.[0]?.value === name)?.children?.[1]
}

function findLayout(text: string, root: Node): Layout {
  const first = root.children?.[0]
  const before = first === undefined ? undefined : findIndentation(text, first.offset)
  const unit = before === undefined || before === '' ? defaultUnit : before
  return { unit, lineEnd: text.includes('\r\n') ? '\r\n' : '\n' }
}

/** The white space before a place, if nothing else stands on its line. */
function findIndentation(text: string, at: number): string | undefined {
  return /(?:^|\n)([ \t]*)$/.exec(text.slice(0, at))?.[1]
}

/** Puts properties at the end of an object, behind what follows its last one on the way to the closing brace. */
function insert(
  text: string,
  object: Node,
  properties: readonly string[],
  { unit, lineEnd }: Layout,
): Edit[] {
  const close = object.offset + object.length - 1
  const last = object.children?.at(-1)
  const lineStart = text.lastIndexOf('\n', object.offset) + 1
  const outer = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? ''
  const inner = (last === undefined ? undefined : findIndentation(text, last.offset)) ?? outer + unit
  const lines = indent(properties.join(',\n'), inner).join(lineEnd)
  const end = last === undefined ? object.offset + 1 : last.offset + last.length
  const { end: behind, hasComma } = skipComments(text, end, close)
  const tail = text.slice(behind, close).includes('\n') ? '' : lineEnd + outer
  const edits: Edit[] = [{ offset: behind, length: 0, content: lineEnd + lines + tail }]
  if (last === undefined || hasComma) return edits
  const comma: Edit = { offset: end, length: 0, content: ',' }
  return behind === end ? [{ ...comma, content: `,${lineEnd}${lines}${tail}` }] : [comma, ...edits]
}

/** Where the last comment (or a comma) before the closing brace ends, else where it began to look. */
function skipComments(text: string, from: number, close: number): { end: number; hasComma: boolean } {
  let end = from
  let hasComma = false
  const skip = (offset: number, length: number): void => {
    if (offset >= from && offset < close) end = offset + length
  }
  visit(text, {
    onComment: skip,
    onSeparator: (character, offset, length) => {
      skip(offset, length)
      if (character === ',' && offset >= from && offset < close) hasComma = true
    },
  })
  return { end, hasComma }
}
