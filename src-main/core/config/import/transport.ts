import path from 'node:path'
import { UnfitServer, type ForeignFields } from './fields.ts'
import { isReservedHeader } from '../schema/header-schema.ts'
import { findNearWord } from '../schema/near-word.ts'
import type { VariableWriter } from './variables.ts'

/** The keys of an entry that say how a server is reached. Undefined and empty ones are to be left out. */
type Transport = Readonly<Record<string, unknown>>

interface TransportHints {
  readonly variables: VariableWriter
  readonly folder: string
  /** Takes what the owner should know. */
  readonly notes: string[]
}

// By the letters alone: streamableHttp, streamable-http and streamable_http are one.
const types: ReadonlyMap<string, string> = new Map([
  ['stdio', 'stdio'],
  ['local', 'stdio'],
  ['http', 'http'],
  ['streamablehttp', 'http'],
  ['remote', 'http'],
  ['sse', 'sse'],
  ['httpsse', 'sse'],
  ['ws', 'websocket'],
  ['websocket', 'websocket'],
])

/**
 * How a server is reached. `carrier` is its group `transport`, if it has one. Without a type an address means http,
 * which falls back to server-sent events by itself. Throws UnfitServer when it cannot be told.
 */
export function readTransport(
  fields: ForeignFields,
  carrier: ForeignFields | undefined,
  hints: TransportHints,
): Transport {
  const place = carrier ?? fields
  const word = carrier === undefined ? fields.text('type', 'transport') : carrier.text('type')
  const type = word === undefined ? undefined : types.get(word.toLowerCase().replaceAll(/[-_]/g, ''))
  if (word !== undefined && type === undefined) {
    throw new UnfitServer('Its type is not known; expected stdio, http, sse or websocket.', place.node.at)
  }
  const url = place.text('httpUrl', 'serverUrl', 'url', 'uri')
  const program = [place, fields].find((group) => group.has('command') || group.has('cmd'))
  if (type === undefined && program !== undefined && url !== undefined) {
    throw new UnfitServer('It has both a command and an address; expected one of them.', place.node.at)
  }
  if (program !== undefined && (type ?? 'stdio') === 'stdio') return readProgram(program, fields, hints)
  if (url === undefined || type === 'stdio') {
    const expected =
      type === undefined ? 'neither a command nor an address' : `no ${type === 'stdio' ? 'command' : 'url'}`
    throw new UnfitServer(`It has ${expected}${toHint(place)}`, place.node.at)
  }
  // Some shapes want a command even where nothing is run.
  for (const key of ['command', 'args']) fields.has(key)
  return {
    type: type ?? 'http',
    url: hints.variables.write(url),
    headers: readHeaders(place, hints),
    protocols: type === 'websocket' ? place.texts('protocols') : undefined,
  }
}

/** The key that was probably meant. */
function toHint({ node }: ForeignFields): string {
  for (const key of node.entries.keys()) {
    const meant = findNearWord(key, ['command', 'url'])
    if (meant !== undefined && meant !== key) return `; did you mean "${meant}" by "${key}"?`
  }
  return '.'
}

function readProgram(source: ForeignFields, fields: ForeignFields, hints: TransportHints): Transport {
  const { variables } = hints
  const kind = source.kindOf('command')
  const group = kind === 'map' ? source.group('command') : undefined
  const [first, ...rest] =
    kind === 'list' ? (source.texts('command') ?? []) : [group?.text('path') ?? source.text('command', 'cmd')]
  if (first === undefined || first === '') throw new UnfitServer('Its command is empty.', source.node.at)
  const args = [...rest.filter((arg) => arg !== undefined), ...((group ?? source).texts('args') ?? [])]
  const env = (group ?? source).textByName('env', 'environment', 'envs') ?? {}
  // Goose keeps the values of these to itself.
  const keys = fields.texts('env_keys')?.map((name) => [name, variables.writeVariable(name)] as const) ?? []
  const cwd = source.text('cwd', 'workingDirectory') ?? fields.text('cwd', 'workingDirectory')
  const relative = cwd === undefined || cwd === '' ? args.find((arg) => /^\.\.?[\\/]/.test(arg)) : undefined
  if (relative !== undefined) {
    hints.notes.push(`Its argument ${relative} is relative: add the folder that it is meant from as "cwd".`)
  }
  return {
    command: writePlace(first, /[\\/]/.test(first), hints),
    args: args.map((arg) => variables.write(arg)),
    env: { ...writeAll(env, variables), ...Object.fromEntries(keys) },
    cwd: cwd === undefined || cwd === '' ? undefined : writePlace(cwd, true, hints),
  }
}

/** A path that is relative is one from the source file's folder: it would mean another in ours. */
function writePlace(text: string, isPath: boolean, { variables, folder, notes }: TransportHints): string {
  const written = variables.writePath(text)
  const isWhole = path.isAbsolute(written) || path.win32.isAbsolute(written) || written.startsWith('$')
  if (!isPath || isWhole) return written
  notes.push(`The path ${text} was taken from the folder of the file: look whether that is meant.`)
  return path.join(folder.replaceAll('${', '$${'), written)
}

/** Of two that differ in the case of their letters the later one counts. Those that Patchbay sets are left out. */
function readHeaders(place: ForeignFields, { variables, notes }: TransportHints): Record<string, string> {
  const given = place.textByName('headers', 'http_headers') ?? {}
  const nested = place.group('requestInit', 'requestOptions')?.textByName('headers') ?? {}
  const named = place.textByName('env_http_headers') ?? {}
  const bearer = place.text('bearer_token_env_var')
  // Written only once they are chosen: what is missing for the others does not count.
  const writers: (readonly [string, () => string])[] = [
    ...Object.entries({ ...given, ...nested }).map(
      ([name, text]) => [name, () => variables.writeValue(text)] as const,
    ),
    ...Object.entries(named).map(
      ([name, variable]) => [name, () => variables.writeVariable(variable)] as const,
    ),
  ]
  if (bearer !== undefined) {
    writers.push(['Authorization', () => `Bearer ${variables.writeVariable(bearer)}`])
  }
  const chosen = [...new Map(writers.map((writer) => [writer[0].toLowerCase(), writer])).values()]
  const reserved = chosen.map(([name]) => name).filter(isReservedHeader)
  if (reserved.length > 0) notes.push(`Not taken, since Patchbay sets it itself: ${reserved.join(', ')}.`)
  const ours = chosen.filter(([name]) => !isReservedHeader(name))
  return Object.fromEntries(ours.map(([name, write]) => [name, write()]))
}

function writeAll(
  texts: Readonly<Record<string, string>>,
  variables: VariableWriter,
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, variables.writeValue(text)]))
}
