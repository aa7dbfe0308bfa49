import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import type { Fault } from '../fault.ts'
import { createScalar, type ConfigNode, type Path } from './config-node.ts'
import { keepFirstOfLines, type ParsedText } from './parsed-text.ts'

/** More than any configuration has; aliases of aliases could ask for billions. */
const maxNodes = 50_000
const maxDepth = 100

const sentences = new Map<YAMLError['code'], string>([
  ['MULTIPLE_DOCS', 'a second document begins here, where one is expected'],
  ['RESOURCE_EXHAUSTION', 'it is nested too deeply'],
])

/** Reads YAML 1.2. Never throws on what the text says. */
export function parseYaml(text: string): ParsedText {
  const document = parseDocument(text, {
    // Reported by us, with the path.
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
    resolveKnownTags: false,
  })
  // A warning is a tag that nobody understands: then the value is not what its author meant.
  const errors = [...document.errors, ...document.warnings]
  const faults = keepFirstOfLines(text, errors.map(toFault))
  if (faults.length > 0) return { root: undefined, faults }
  const builder = new YamlBuilder(document)
  const root = document.contents === null ? undefined : builder.build(document.contents, [])
  return { root: builder.isTooLarge ? undefined : root, faults: builder.faults }
}

function toFault({ code, message, pos }: YAMLError) {
  const sentence = sentences.get(code) ?? message.replace(/\.$/, '')
  return { code: 'syntax', path: [], at: pos[0], message: `This is not valid YAML: ${sentence}.` } as const
}

class YamlBuilder {
  readonly faults: Fault[] = []
  isTooLarge = false
  readonly #document: Document
  #count = 0

  constructor(document: Document) {
    this.#document = document
  }

  build(node: Node, path: Path): ConfigNode {
    const at = node.range?.[0] ?? 0
    this.#count += 1
    if (this.isTooLarge) return createScalar(at, null)
    if (this.#count > maxNodes || path.length > maxDepth) {
      this.isTooLarge = true
      this.faults.push({ code: 'syntax', path: [], at, message: 'This is too large or nested too deeply.' })
      return createScalar(at, null)
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      if (target === undefined) {
        const message = `There is no &${node.source} before this alias; expected one.`
        this.faults.push({ code: 'syntax', path, at, message })
        return createScalar(at, null)
      }
      // What is wrong in there is wrong where it was written.
      return { ...this.build(target, path), at }
    }
    if (isMap(node)) return this.#buildMap(node, path, at)
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.build(item as Node, [...path, index]))
      return { kind: 'list', at, items }
    }
    const value: unknown = isScalar(node) ? node.value : null
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    return createScalar(at, isPlain ? value : null)
  }

  #buildMap(node: YAMLMap, path: Path, at: number): ConfigNode {
    const entries = new Map<string, { keyAt: number; value: ConfigNode }>()
    for (const pair of node.items) {
      const key = pair.key as Node
      const keyAt = key.range?.[0] ?? at
      const name = isScalar(key) ? String(key.value) : ''
      const keyPath = [...path, name]
      if (entries.has(name)) {
        const message = `The key "${name}" stands here a second time; each key may be given once.`
        this.faults.push({ code: 'duplicate-key', path: keyPath, at: keyAt, message })
        continue
      }
      const value = pair.value === null ? createScalar(keyAt, null) : this.build(pair.value as Node, keyPath)
      entries.set(name, { keyAt, value })
    }
    return { kind: 'map', at, entries }
  }
}
