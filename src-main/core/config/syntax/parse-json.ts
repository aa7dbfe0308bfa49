import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser'
import type { Fault } from '../fault.ts'
import { createScalar, type ConfigNode, type Path, type ScalarNode } from './config-node.ts'
import { keepFirstOfLines, type ParsedText } from './parsed-text.ts'

const sentences = new Map([
  ['PropertyNameExpected', 'a key in double quotes is expected here (and no comma after the last one)'],
  ['ValueExpected', 'a value is expected here (and no comma after the last one)'],
  ['ColonExpected', 'a colon is expected here'],
  ['CommaExpected', 'a comma is expected here'],
  ['CloseBraceExpected', 'a closing } is missing here'],
  ['CloseBracketExpected', 'a closing ] is missing here'],
  ['EndOfFileExpected', 'nothing more is expected after the end of the value'],
  ['InvalidSymbol', 'this word is not known here (text stands in double quotes)'],
  ['InvalidNumberFormat', 'this is not a number'],
  ['UnexpectedEndOfComment', 'this comment does not end'],
  ['UnexpectedEndOfString', 'this text has no closing quote on its line'],
  ['UnexpectedEndOfNumber', 'this number is not complete'],
  ['InvalidUnicode', 'this \\u escape is not complete'],
  ['InvalidEscapeCharacter', 'this escape is not known'],
  ['InvalidCharacter', 'this text has a control character in it, which must be escaped'],
])

/** Reads JSON, with comments. Never throws on what the text says. */
export function parseJson(text: string): ParsedText {
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { allowEmptyContent: true, allowTrailingComma: false })
  const faults: Fault[] = toSyntaxFaults(text, errors)
  if (faults.length > 0 || tree === undefined) return { root: undefined, faults }
  const root = build(tree, [], faults)
  return { root, faults }
}

function toSyntaxFaults(text: string, errors: readonly ParseError[]): Fault[] {
  const faults = errors.map(({ error, offset }) => {
    const sentence = sentences.get(printParseErrorCode(error)) ?? 'this is not expected here'
    const message = `This is not valid JSON: ${sentence}.`
    return { code: 'syntax', path: [], at: offset, message } as const
  })
  return keepFirstOfLines(text, faults)
}

function build(node: Node, path: Path, faults: Fault[]): ConfigNode {
  const { type, offset: at, children = [] } = node
  if (type === 'array') {
    return { kind: 'list', at, items: children.map((child, index) => build(child, [...path, index], faults)) }
  }
  if (type !== 'object') return createScalar(at, node.value as ScalarNode['value'])
  const entries = new Map<string, { keyAt: number; value: ConfigNode }>()
  for (const { children: [key, value] = [] } of children) {
    if (key === undefined || value === undefined) continue
    const name = String(key.value)
    if (entries.has(name)) {
      const message = `The key "${name}" stands here a second time; each key may be given once.`
      faults.push({ code: 'duplicate-key', path: [...path, name], at: key.offset, message })
    } else entries.set(name, { keyAt: key.offset, value: build(value, [...path, name], faults) })
  }
  return { kind: 'map', at, entries }
}
