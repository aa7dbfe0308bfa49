import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
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
const maxAliases = 1000

const sentences = new Map<YAMLError['code'], string>([
  ['MULTIPLE_DOCS', 'a second document begins here, where one is expected'],
  ['RESOURCE_EXHAUSTION', 'it is nested too deeply'],
  // The parser's own repeat what stands there, which may be a password that lacks its quotes.
  [
    'TAG_RESOLVE_FAILED',
    'a value that begins with ! is a tag, and this one is not known (quotes make it text)',
  ],
  ['BAD_DQ_ESCAPE', 'this escape is not known in double quotes (\\\\ is a backslash)'],
  ['BAD_DIRECTIVE', 'a line that begins with % is a directive, and this one is not known'],
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
  const { targets, tooMany } = findTargets(document)
  if (tooMany !== undefined) {
    const message = `There are more than ${maxAliases} aliases (values that begin with *); expected fewer.`
    return { root: undefined, faults: [{ code: 'syntax', path: [], at: tooMany, message }] }
  }
  const builder = new YamlBuilder(targets)
  const root = document.contents === null ? undefined : builder.build(document.contents, [])
  return { root: builder.isTooLarge ? undefined : root, faults: builder.faults }
}

/** What the parser repeats of the text, after a colon, stays out: that may be a secret. */
function toFault({ code, message, pos }: YAMLError) {
  const sentence = sentences.get(code) ?? message.replace(/^([^:]*\S): [^]*$/, '$1').replace(/\.$/, '')
  return { code: 'syntax', path: [], at: pos[0], message: `This is not valid YAML: ${sentence}.` } as const
}

/** What each alias means: the last anchor of its name before it. `tooMany` is where there is one too many. */
function findTargets(document: Document): { targets: ReadonlyMap<Alias, Node>; tooMany: number | undefined } {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  let count = 0
  let tooMany: number | undefined
  visit(document, {
    Alias: (...[, alias]) => {
      const target = anchors.get(alias.source)
      if (target !== undefined) targets.set(alias, target)
      count += 1
      if (count <= maxAliases) return undefined
      tooMany = alias.range?.[0] ?? 0
      return visit.BREAK
    },
    Value: (...[, node]) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return { targets, tooMany }
}

class YamlBuilder {
  readonly faults: Fault[] = []
  isTooLarge = false
  readonly #targets: ReadonlyMap<Alias, Node>
  #count = 0

  constructor(targets: ReadonlyMap<Alias, Node>) {
    this.#targets = targets
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
      const target = this.#targets.get(node)
      if (target === undefined) {
        const message =
          'A value that begins with * is an alias, and what it names does not stand before it; quotes make it text.'
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
