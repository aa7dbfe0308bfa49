import path from 'node:path'
import type { ForeignFields } from './fields.ts'
import { readTransport } from './transport.ts'
import type { VariableWriter } from './variables.ts'
import { serverSchema } from '../schema/server-schema.ts'
import type { ConfigNode, MapNode } from '../syntax/config-node.ts'

const switchedOff = 'Switched off until then: remove "enabled": false.'

/** Keys of ours that other programs use for something else. */
const ourKeys = new Set(serverSchema.options.flatMap(({ shape }) => Object.keys(shape)))

/** A server the way it stands in our configuration. */
export type ServerEntry = Readonly<Record<string, unknown>>

/** A server of somebody else's file in our words, and what its owner should know. */
export interface ConvertedServer {
  readonly entry: ServerEntry
  readonly notes: readonly string[]
}

/** What the texts of one server are written with. */
export interface WritingHints {
  readonly variables: VariableWriter
  /** The folder of the source file, absolute: what its relative paths are taken from. */
  readonly folder: string
}

/**
 * One server by the keys that editors use, whatever their spelling. `parts` are what its shape adds, such as
 * `timeouts`. Throws UnfitServer with the reason when it cannot be taken.
 */
export function toEntry(fields: ForeignFields, parts: ServerEntry, hints: WritingHints): ConvertedServer {
  const notes: string[] = []
  const carrier = fields.kindOf('transport') === 'map' ? fields.group('transport') : undefined
  const transport = readTransport(fields, carrier, { ...hints, notes })
  const switches = [fields.flag('disabled') === true, fields.flag('enabled') === false]
  const isOff = switches.includes(true)
  const tools = { disabled: fields.texts('disabledTools', 'disabled_tools', 'excludeTools') ?? [] }
  readAllowedTools(fields, notes)
  const envFile = fields.text('envFile')
  if (envFile !== undefined) notes.push('Add the variables of its envFile to env: that file is not read.')
  const ignored = [...fields.unread, ...(carrier?.unread ?? []).map((key) => `transport.${key}`)]
  const [ours, others] = [
    ignored.filter((key) => ourKeys.has(key)),
    ignored.filter((key) => !ourKeys.has(key)),
  ]
  if (others.length > 0) notes.push(`Not taken, since Patchbay has no such key: ${others.join(', ')}.`)
  if (ours.length > 0) {
    notes.push(`Not taken, since Patchbay has another shape for it: ${ours.join(', ')}.`)
  }
  for (const text of hints.variables.assumed) notes.push(`${text} was taken for an environment variable.`)
  notes.push(...toMissing(hints.variables))
  const isIncomplete =
    envFile !== undefined || hints.variables.unknown.size > 0 || hints.variables.missing.size > 0
  if (isIncomplete && !isOff) notes.push(switchedOff)
  const entry = {
    ...transport,
    ...(isOff || isIncomplete ? { enabled: false } : {}),
    ...(tools.disabled.length > 0 ? { tools } : {}),
    ...parts,
  }
  return { entry: withoutNothing(entry), notes }
}

/**
 * One server that stands in our own words already: only its variables are looked at, and paths that were relative to
 * the folder of its file.
 */
export function toOwnEntry(node: MapNode, { variables, folder }: WritingHints): ConvertedServer {
  const entry = toPlain(node, (text) => variables.write(text)) as Record<string, unknown>
  const base = folder.replaceAll('${', '$${')
  const isRelative = (text: unknown): text is string =>
    typeof text === 'string' && !text.startsWith('$') && !path.isAbsolute(text)
  const { cwd, command } = entry
  if (isRelative(cwd)) entry['cwd'] = path.join(base, cwd)
  // With a cwd it is relative to that.
  if (cwd === undefined && isRelative(command) && command.includes('/')) {
    entry['command'] = path.join(base, command)
  }
  const notes = toMissing(variables)
  if (notes.length === 0 || entry['enabled'] === false) return { entry, notes }
  return { entry: { ...entry, enabled: false }, notes: [...notes, switchedOff] }
}

/** A tree as plain values, its texts as `write` gives them. */
export function toPlain(node: ConfigNode, write: (text: string) => string = (text) => text): unknown {
  if (node.kind === 'list') return node.items.map((item) => toPlain(item, write))
  if (node.kind === 'scalar') return typeof node.value === 'string' ? write(node.value) : node.value
  return Object.fromEntries(Array.from(node.entries, ([key, { value }]) => [key, toPlain(value, write)]))
}

/** What a server needs that is not there, in sentences. */
function toMissing({ unknown, missing }: VariableWriter): string[] {
  const notes: string[] = []
  if (unknown.size > 0) notes.push(`Fill in ${[...unknown].join(', ')}: only the editor knows what that is.`)
  if (missing.size > 0) {
    const names = [...missing]
    const what = names.length === 1 ? 'variable' : 'variables'
    notes.push(`Set the environment ${what} ${names.join(', ')}, which Patchbay does not have here.`)
  }
  return notes
}

/** Lists of the only tools allowed say what Patchbay's switches cannot; all of them mean nothing. */
function readAllowedTools(fields: ForeignFields, notes: string[]): void {
  for (const key of ['enabledTools', 'enabled_tools', 'includeTools', 'available_tools', 'tools']) {
    if (fields.kindOf(key) !== 'list') continue
    const allowed = fields.texts(key) ?? []
    if (allowed.length === 0 || allowed.includes('*')) continue
    notes.push(`Its ${key} allows only some tools; Patchbay shows all of them: switch off the others there.`)
  }
}

/** The same without undefined, empty groups and empty lists. */
function withoutNothing(entry: ServerEntry): ServerEntry {
  const cleaned = Object.entries(entry).map(([key, value]) => {
    return [key, isGroup(value) ? withoutNothing(value) : value] as const
  })
  const isSomething = (value: unknown): boolean =>
    typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined
  return Object.fromEntries(cleaned.filter(([, value]) => isSomething(value)))
}

function isGroup(value: unknown): value is ServerEntry {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
