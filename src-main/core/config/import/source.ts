import path from 'node:path'
import { visit } from 'jsonc-parser'
import type { Fault } from '../fault.ts'
import { importShapes, type ImportShape } from './shapes.ts'
import type { MapNode } from '../syntax/config-node.ts'
import { parseJson } from '../syntax/parse-json.ts'
import { parseToml } from '../syntax/parse-toml.ts'
import { parseYaml } from '../syntax/parse-yaml.ts'
import type { ParsedText } from '../syntax/parsed-text.ts'

/** A file of a shape that is known. */
export interface ImportSource {
  readonly text: string
  readonly root: MapNode
  readonly shape: ImportShape
  readonly servers: MapNode
  /** Keys that were given twice; the first of each is in the tree. */
  readonly faults: readonly Fault[]
}

/** Why a file cannot be imported. */
export interface ImportRefusal {
  /** In UTF-16 units; undefined when it is about the whole file. */
  readonly at: number | undefined
  readonly message: string
}

const longestToGuess = 256 * 1024

type Parser = (text: string) => ParsedText

const parseLooseJson: Parser = (text) => parseJson(blankTrailingCommas(text))
const byName: ReadonlyMap<string, Parser> = new Map([
  ['.json', parseLooseJson],
  ['.jsonc', parseLooseJson],
  ['.yaml', parseYaml],
  ['.yml', parseYaml],
  ['.toml', parseToml],
])

/** Reads a file of any format and any known shape. `name` tells the format only where it can be believed. */
export function parseImportSource(text: string, name: string): ImportSource | ImportRefusal {
  const guess = byName.get(path.extname(name).toLowerCase()) ?? guessParser(text)
  // A large file is one that a program keeps, under the right name.
  const others = text.length > longestToGuess ? [] : [parseLooseJson, parseToml, parseYaml]
  const parsers = [guess, ...others.filter((parser) => parser !== guess)]
  let fault: Fault | undefined
  for (const parse of parsers) {
    const { root, faults } = parseSafely(parse, text)
    const source = root?.kind === 'map' ? toSource(root, faults, text) : undefined
    if (source !== undefined) return source
    // What the others say of it would only confuse.
    if (parse === guess && root === undefined) fault = faults[0]
  }
  if (fault !== undefined) return { at: fault.at, message: fault.message }
  const titles = importShapes.map(({ title }) => title).join('; ')
  return { at: undefined, message: `There are no MCP servers in a shape that is known. Known are ${titles}.` }
}

function toSource(root: MapNode, faults: readonly Fault[], text: string): ImportSource | undefined {
  for (const shape of importShapes) {
    const servers = shape.find(root)
    if (servers !== undefined) return { text, root, shape, servers, faults }
  }
  return undefined
}

function parseSafely(parse: Parser, text: string): ParsedText {
  try {
    const { root, faults } = parse(text)
    return { root: faults.every(({ code }) => code === 'duplicate-key') ? root : undefined, faults }
  } catch (error) {
    // Parsers call themselves for each level.
    if (!(error instanceof RangeError)) throw error
    const fault: Fault = { code: 'syntax', path: [], at: 0, message: 'This is nested too deeply.' }
    return { root: undefined, faults: [fault] }
  }
}

function guessParser(text: string): Parser {
  if (/^\s*(?:\{|\/[/*])/.test(text)) return parseLooseJson
  return /^[ \t]*(?:\[[^\]\n]+\][ \t]*(?:#.*)?$|[\w.-]+[ \t]*=)/m.test(text) ? parseToml : parseYaml
}

/** The same text, as long, with a space for each comma that nothing follows: many editors allow those. */
function blankTrailingCommas(text: string): string {
  const places: number[] = []
  let comma: number | undefined
  const forget = (): void => {
    comma = undefined
  }
  const close = (): void => {
    if (comma !== undefined) places.push(comma)
    forget()
  }
  visit(
    text,
    {
      onSeparator: (character, offset) => {
        comma = character === ',' ? offset : undefined
      },
      onObjectProperty: forget,
      onObjectBegin: forget,
      onArrayBegin: forget,
      onLiteralValue: forget,
      onObjectEnd: close,
      onArrayEnd: close,
    },
    { allowTrailingComma: true },
  )
  let blanked = ''
  let from = 0
  for (const place of places) {
    blanked += `${text.slice(from, place)} `
    from = place + 1
  }
  return blanked + text.slice(from)
}
