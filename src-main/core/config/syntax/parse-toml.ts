import { getStaticTOMLValue, ParseError, parseTOML, type AST } from 'toml-eslint-parser'
import type { Fault } from '../fault.ts'
import { createScalar, type ConfigNode, type ListNode, type MapNode } from './config-node.ts'
import type { ParsedText } from './parsed-text.ts'

type TomlKey = AST.TOMLKey['keys'][number]

/** Reads TOML 1.0. Never throws on what the text says. */
export function parseToml(text: string): ParsedText {
  let program: AST.TOMLProgram
  try {
    program = parseTOML(text)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return { root: undefined, faults: [toFault(error, text)] }
  }
  const root = createMap(0)
  for (const item of program.body[0].body) {
    if (item.type === 'TOMLKeyValue') addKeyValue(root, item)
    else {
      const table = openTable(root, item)
      for (const keyValue of item.body) addKeyValue(table, keyValue)
    }
  }
  return { root: root.entries.size === 0 ? undefined : root, faults: [] }
}

function toFault(error: ParseError, text: string): Fault {
  const at = error.index
  if (/multiple times/.test(error.message)) {
    const key = /^[\w-]+|^"[^"\n]*"|^'[^'\n]*'/.exec(text.slice(at))?.[0] ?? ''
    const name = key.replace(/^(["'])(.*)\1$/, '$2')
    const message = `The key "${name}" stands here a second time; each key may be given once.`
    return { code: 'duplicate-key', path: [], at, message }
  }
  // What does not end on its line is noticed on the next one.
  const isOpen = /^(?:Unterminated|Unspecified)/.test(error.message)
  const place = isOpen ? text.slice(0, at).trimEnd().length : at
  return { code: 'syntax', path: [], at: place, message: `This is not valid TOML: ${error.message}.` }
}

function createMap(at: number): MapNode {
  return { kind: 'map', at, entries: new Map() }
}

function nameOf(key: TomlKey): string {
  return key.type === 'TOMLBare' ? key.name : key.value
}

/** The group of a `[table]` or of the next `[[item]]`; tables around it that were not named yet are made. */
function openTable(root: MapNode, table: AST.TOMLTable): MapNode {
  let node: MapNode = root
  for (const [index, key] of table.key.keys.entries()) {
    const isLast = index === table.key.keys.length - 1
    const at = key.range[0]
    const name = nameOf(key)
    const found = node.entries.get(name)?.value
    if (isLast && table.kind === 'array') {
      const list: ListNode = found?.kind === 'list' ? found : { kind: 'list', at, items: [] }
      if (found === undefined) node.entries.set(name, { keyAt: at, value: list })
      node = createMap(at)
      list.items.push(node)
    } else {
      const last = found?.kind === 'list' ? found.items.at(-1) : found
      node = last?.kind === 'map' ? last : addMap(node, name, at)
    }
  }
  return node
}

function addMap(parent: MapNode, name: string, at: number): MapNode {
  const map = createMap(at)
  parent.entries.set(name, { keyAt: at, value: map })
  return map
}

function addKeyValue(table: MapNode, { key, value }: AST.TOMLKeyValue): void {
  let node = table
  for (const [index, part] of key.keys.entries()) {
    const name = nameOf(part)
    const keyAt = part.range[0]
    const found = node.entries.get(name)?.value
    if (index === key.keys.length - 1) node.entries.set(name, { keyAt, value: build(value) })
    else node = found?.kind === 'map' ? found : addMap(node, name, keyAt)
  }
}

function build(node: AST.TOMLContentNode): ConfigNode {
  const at = node.range[0]
  if (node.type === 'TOMLArray') return { kind: 'list', at, items: node.elements.map(build) }
  if (node.type === 'TOMLValue') return createScalar(at, getStaticTOMLValue(node))
  const map = createMap(at)
  for (const keyValue of node.body) addKeyValue(map, keyValue)
  return map
}
