import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from './config.ts'
import { toKeyText, type Fault, type FaultCode } from './fault.ts'
import { fitToSchema } from './fit-to-schema.ts'
import { configSchema } from './schema.ts'
import { substituteAll, type Environment } from './substitute.ts'
import { locate, type ConfigNode, type MapNode, type Path } from './syntax/config-node.ts'
import { parseJson } from './syntax/parse-json.ts'
import { parseToml } from './syntax/parse-toml.ts'
import { parseYaml } from './syntax/parse-yaml.ts'
import type { ParsedText } from './syntax/parsed-text.ts'
import { toConfig } from './to-config.ts'
import { toFaults } from './to-faults.ts'

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

/** A configuration, or everything that is wrong with it in the order of the file. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

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
  ['EACCES', 'This file may not be read by this user'],
  ['EPERM', 'This file may not be read by this user'],
])

/** Reads and checks a configuration file. Whatever is wrong with it is a problem; nothing is thrown. */
export async function readConfig(file: string, env: Environment): Promise<ConfigResult> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    return refuse(file, 'unreadable', `${toReadFailure(error)}; expected a configuration file.`)
  }
  return parseConfig(text, file, env)
}

function toReadFailure(error: unknown): string {
  const code = String((error as NodeJS.ErrnoException).code)
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'This file is not UTF-8 text'
  return readFailures.get(code) ?? `This file cannot be read (${code})`
}

/** Checks the text of a configuration file. The name of the file tells its format and what paths are relative to. */
export function parseConfig(text: string, file: string, env: Environment): ConfigResult {
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
    const root = found ?? createEmptyRoot()
    const outcome =
      found === undefined && faults.length > 0
        ? faults
        : interpret(root, env, { folder: path.dirname(path.resolve(file)), faults })
    return 'servers' in outcome
      ? { ok: true, config: outcome }
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

/** The configuration, or what is wrong with it. */
function interpret(
  parsed: ConfigNode,
  env: Environment,
  { folder, faults: found }: { readonly folder: string; readonly faults: readonly Fault[] },
): Config | readonly Fault[] {
  const faults = [...found]
  const root = substituteAll(parsed, env, faults)
  const { value, settled } = fitToSchema(configSchema, root, faults)
  const result = configSchema.safeParse(value)
  if (!result.success) {
    const places = [...settled, ...faults.map((fault) => fault.path)].filter((place) => place.length > 0)
    faults.push(...toFaults(result.error, root, places))
  }
  const servers = root.kind === 'map' ? root.entries.get('servers')?.value : undefined
  const names = servers?.kind === 'map' ? [...servers.entries.keys()] : []
  faults.push(...findNameDoubles(names))
  return result.success && faults.length === 0 ? toConfig(result.data, names, folder) : faults
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
  return faults
    .map((fault) => ({ fault, at: fault.at ?? locate(root, fault.path, fault.aim ?? 'value') }))
    .sort((left, right) => left.at - right.at)
    .map(({ fault: { code, path: keyPath, message }, at }) => {
      const before = text.slice(0, at)
      const line = before.split('\n').length
      const column = at - before.lastIndexOf('\n')
      return { code, file, line, column, key: toKeyText(keyPath), message }
    })
}

function refuse(file: string, code: FaultCode, message: string): ConfigResult {
  return { ok: false, problems: [{ code, file, line: 1, column: 1, key: '', message }] }
}

/** `file:line:column key: message`, the way editors and terminals link to it. */
export function toProblemText({ file, line, column, key, message }: ConfigProblem): string {
  return `${file}:${line}:${column}${key === '' ? '' : ` ${key}`}: ${message}`
}
