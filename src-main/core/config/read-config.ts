import { isUtf8 } from 'node:buffer'
import path from 'node:path'
import { readRegularFile } from '#base/read-regular-file.ts'
import { product } from '#contract/product.ts'
import type { Config } from './config.ts'
import { toKeyText, type Fault, type FaultCode } from './fault.ts'
import { fitToSchema } from './schema/fit-to-schema.ts'
import { configSchema } from './schema/config-schema.ts'
import { toOverrides, type Overrides } from './store/overrides.ts'
import { substituteAll, type Environment } from './substitute.ts'
import { findNode, locate, type ConfigNode, type MapNode, type Path } from './syntax/config-node.ts'
import { parseJson } from './syntax/parse-json.ts'
import { parseToml } from './syntax/parse-toml.ts'
import { parseYaml } from './syntax/parse-yaml.ts'
import type { ParsedText } from './syntax/parsed-text.ts'
import { toConfig } from './to-config.ts'
import { toFaults } from './schema/to-faults.ts'

/** Something wrong with a configuration, where it stands, and what is expected. */
export interface ConfigProblem {
  readonly code: FaultCode
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** Like `servers.files.args[0]`; '' for the whole file. */
  readonly key: string
  /** One sentence. Holds no value that came from the environment. */
  readonly message: string
}

/**
 * A configuration and the overrides that stand in the same file, which are not applied yet; or everything that is
 * wrong with it in the order of the file.
 */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly overrides: Overrides }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** How much of a file counts: all of it, or its overrides alone. */
export type ConfigPart = 'whole' | 'overrides'

/** What a file says; without `bytes` when it could not be read. */
export interface ConfigReading {
  readonly bytes?: Buffer
  readonly result: ConfigResult
}

const parsers: ReadonlyMap<string, (text: string) => ParsedText> = new Map([
  ['.yaml', parseYaml],
  ['.yml', parseYaml],
  ['.json', parseJson],
  ['.jsonc', parseJson],
  ['.toml', parseToml],
])

const readFailures = new Map([
  ['ENOENT', 'There is no such file'],
  ['ENOTDIR', 'There is no such file'],
  ['EISDIR', 'This is a folder'],
  ['ENOTREG', 'This is no regular file'],
  ['EFBIG', 'This file is larger than 16 MiB'],
  ['EACCES', 'This file may not be read by this user'],
  ['EPERM', 'This file may not be read by this user'],
])

/** More than any configuration has, in bytes. */
export const longestConfig = 16 * 1024 * 1024
/** Nobody mends more at once, and each has to be told. */
const mostProblems = 100

/** Reads and checks a configuration file. Whatever is wrong with it is a problem; nothing is thrown. */
export async function readConfig(
  file: string,
  env: Environment,
  part: ConfigPart = 'whole',
): Promise<ConfigReading> {
  let bytes: Buffer
  try {
    bytes = await readRegularFile(file, longestConfig)
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    const what = readFailures.get(code) ?? `This file cannot be read (${code})`
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    const result = refuse(
      file,
      isMissing ? 'no-file' : 'unreadable',
      `${what}; expected a configuration file.`,
    )
    return { result }
  }
  return { bytes, result: parseConfigBytes(bytes, file, env, part) }
}

/** Checks the bytes of a configuration file, as `parseConfig` does its text. */
export function parseConfigBytes(
  bytes: Buffer,
  file: string,
  env: Environment,
  part: ConfigPart = 'whole',
): ConfigResult {
  if (!isUtf8(bytes)) {
    return refuse(file, 'unreadable', 'This file is not UTF-8 text; expected a configuration file.')
  }
  return parseConfig(bytes.toString(), file, env, part)
}

/** Checks the text of a configuration file. The name of the file tells its format and what paths are relative to. */
export function parseConfig(
  text: string,
  file: string,
  env: Environment,
  part: ConfigPart = 'whole',
): ConfigResult {
  const parse = parsers.get(path.extname(file).toLowerCase())
  if (parse === undefined) {
    const names = [...parsers.keys()].join(', ')
    return refuse(
      file,
      'unknown-format',
      `The format of this file is not known; expected a name ending in ${names}.`,
    )
  }
  const body = text.replace(/^\uFEFF/, '')
  try {
    const { root: found, faults } = parse(body)
    const root = take(part, found ?? createEmptyRoot())
    const outcome =
      found === undefined && faults.length > 0
        ? faults
        : interpret(root, env, { folder: path.dirname(path.resolve(file)), faults })
    return 'config' in outcome
      ? { ok: true, ...outcome }
      : { ok: false, problems: toProblems(outcome, root, body, file) }
  } catch (error) {
    // Parsers call themselves for each level.
    if (!(error instanceof RangeError)) throw error
    return refuse(file, 'syntax', 'This is nested too deeply; expected a configuration.')
  }
}

function createEmptyRoot(): MapNode {
  return { kind: 'map', at: 0, entries: new Map() }
}

function take(part: ConfigPart, root: ConfigNode): ConfigNode {
  if (part === 'whole' || root.kind !== 'map') return root
  const counts = ['version', 'overrides']
  return { ...root, entries: new Map([...root.entries].filter(([key]) => counts.includes(key))) }
}

/** The configuration, or what is wrong with it. */
function interpret(
  parsed: ConfigNode,
  env: Environment,
  { folder, faults: found }: { readonly folder: string; readonly faults: readonly Fault[] },
): { readonly config: Config; readonly overrides: Overrides } | readonly Fault[] {
  const faults = [...found]
  const root = substituteAll(parsed, env, faults)
  const newer = findNewerVersion(root)
  // All else that looks wrong is what this version does not know yet.
  if (newer !== undefined) return [newer]
  const { value, settled } = fitToSchema(configSchema, root, faults)
  const result = configSchema.safeParse(value)
  if (!result.success) {
    const meant = faults.flatMap((fault) => (fault.meant === undefined ? [] : [fault.meant]))
    const misspelt = meant.filter((place) => findNode(root, place) === undefined)
    const places = [...settled, ...faults.map((fault) => fault.path), ...misspelt]
    const isPlace = (place: Path): boolean => place.length > 0
    // Not as arguments: there may be more than a call can have.
    for (const fault of toFaults(result.error, root, places.filter(isPlace))) faults.push(fault)
  }
  const servers = root.kind === 'map' ? root.entries.get('servers')?.value : undefined
  const names = servers?.kind === 'map' ? [...servers.entries.keys()] : []
  faults.push(...findNameDoubles(names))
  if (!result.success || faults.length > 0) return faults
  return { config: toConfig(result.data, names, folder), overrides: toOverrides(result.data) }
}

function findNewerVersion(root: ConfigNode): Fault | undefined {
  const node = findNode(root, ['version'])
  const version = node?.kind === 'scalar' ? Number(node.value) : Number.NaN
  if (!Number.isInteger(version) || version <= 1) return undefined
  const message = `This was written for a newer ${product.name} (version ${version} of this format, where 1 is known here); update ${product.name}.`
  return { code: 'newer-version', path: ['version'], message }
}

/** Names name files as well, and some disks do not tell "Files" from "files". */
function findNameDoubles(names: readonly string[]): Fault[] {
  const seen = new Map<string, string>()
  const faults: Fault[] = []
  for (const name of names) {
    const first = seen.get(name.toLowerCase())
    if (first === undefined) seen.set(name.toLowerCase(), name)
    else {
      const message = `The server names "${first}" and "${name}" differ only in capital letters; expected another name.`
      const place: Path = ['servers', name]
      faults.push({ code: 'duplicate-name', path: place, aim: 'key', message })
    }
  }
  return faults
}

function toProblems(faults: readonly Fault[], root: ConfigNode, text: string, file: string): ConfigProblem[] {
  const placed = faults
    .map((fault) => ({ ...fault, at: fault.at ?? locate(root, fault.path, fault.aim ?? 'value') }))
    .sort((left, right) => left.at - right.at)
  const [left] = placed.slice(mostProblems)
  const told = placed.slice(0, mostProblems)
  if (left !== undefined) {
    const count = placed.length - mostProblems
    const what = count === 1 ? 'There is 1 more problem' : `There are ${count} more problems`
    told.push({ ...left, path: [], message: `${what} from here on; mend those above first.` })
  }
  const lineStarts = toLineStarts(text)
  return told.map(({ code, path: keyPath, message, at }) => {
    const after = lineStarts.findIndex((start) => start > at)
    const line = after < 0 ? lineStarts.length : after
    const column = at - (lineStarts[line - 1] ?? 0) + 1
    return { code, file, line, column, key: toKeyText(keyPath), message }
  })
}

function toLineStarts(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
}

function refuse(file: string, code: FaultCode, message: string): ConfigResult {
  return { ok: false, problems: [{ code, file, line: 1, column: 1, key: '', message }] }
}

/** What is wrong with the file, and not at a place in it. */
const wholeFile: ReadonlySet<FaultCode> = new Set(['no-file', 'unreadable', 'unknown-format', 'unsafe-place'])

/** `file:line:column key: message`, the way editors and terminals link to it. */
export function toProblemText({ code, file, line, column, key, message }: ConfigProblem): string {
  if (wholeFile.has(code)) return `${file}: ${message}`
  return `${file}:${line}:${column}${key === '' ? '' : ` ${key}`}: ${message}`
}
