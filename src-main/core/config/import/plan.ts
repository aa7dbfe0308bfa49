import path from 'node:path'
import { toKeyText } from '../fault.ts'
import { toEntry, toOwnEntry, toPlain, type ConvertedServer, type ServerEntry } from './entry.ts'
import { ForeignFields, UnfitServer } from './fields.ts'
import { NameGiver } from './names.ts'
import { maskEntry } from './secrets.ts'
import { findNestedServers } from './shapes.ts'
import { parseImportSource, type ImportRefusal, type ImportSource } from './source.ts'
import { VariableWriter } from './variables.ts'
import { parseConfig } from '../read-config.ts'
import type { Environment } from '../substitute.ts'
import { parseJson } from '../syntax/parse-json.ts'
import { findNode, type ConfigNode } from '../syntax/config-node.ts'

/** What becomes of one server of a file. `name` is how it is called there; lines count from 1. */
export type PlannedServer =
  | {
      readonly kind: 'added'
      readonly name: string
      readonly line: number
      /** The name that it gets. */
      readonly as: string
      readonly entry: ServerEntry
      /** The entry for showing, without secrets. */
      readonly masked: ServerEntry
      /** Where secrets stand in plain text, such as `env.API_KEY`. */
      readonly secrets: readonly string[]
      readonly notes: readonly string[]
    }
  /** There already, under the name `as`. */
  | { readonly kind: 'known'; readonly name: string; readonly line: number; readonly as: string }
  | { readonly kind: 'left-out'; readonly name: string; readonly line: number; readonly reason: string }

/** What an import would do. */
export interface ImportPlan {
  readonly ok: true
  /** In the order of the file. */
  readonly servers: readonly PlannedServer[]
  /** About the file as a whole. */
  readonly notes: readonly string[]
}

/** Why a file cannot be imported at all. */
interface ImportProblem {
  readonly ok: false
  /** Where, from 1; undefined when it is about the whole file. */
  readonly place: { readonly line: number; readonly column: number } | undefined
  readonly message: string
}

/** A server that is configured already, with its tokens as they stand. */
interface KnownServer {
  readonly name: string
  readonly entry: ServerEntry
}

/** What an import depends on besides its file. */
interface ImportHints {
  readonly known: readonly KnownServer[]
  readonly env: Environment
  /** The configuration that the servers are for; paths in it are relative to its folder. */
  readonly configFile: string
}

/** Plans the import of a file's text. `file` is absolute. Whatever the text says is no reason to throw. */
export function planImport(text: string, file: string, hints: ImportHints): ImportPlan | ImportProblem {
  const body = text.replace(/^\uFEFF/, '')
  const source = parseImportSource(body, file)
  if (!('servers' in source)) return toProblem(source, body)
  const planner = new Planner(source, file, hints)
  return { ok: true, servers: planner.plan(), notes: planner.notes }
}

/** The servers of our own configuration in JSON, as they stand there. */
export function findKnownServers(configText: string): KnownServer[] {
  const { root } = parseJson(configText.replace(/^\uFEFF/, ''))
  const servers = root === undefined ? undefined : findNode(root, ['servers'])
  if (servers?.kind !== 'map') return []
  return Array.from(servers.entries, ([name, { value }]) => ({ name, entry: toPlain(value) as ServerEntry }))
}

function toProblem({ at, message }: ImportRefusal, text: string): ImportProblem {
  if (at === undefined) return { ok: false, place: undefined, message }
  const column = at - text.slice(0, at).lastIndexOf('\n')
  return { ok: false, place: { line: toLineEnds(text.slice(0, at)).length + 1, column }, message }
}

function toLineEnds(text: string): number[] {
  return Array.from(text.matchAll(/\n/g), ({ index }) => index)
}

class Planner {
  readonly notes: string[] = []
  readonly #source: ImportSource
  readonly #folder: string
  readonly #hints: ImportHints
  readonly #names: NameGiver
  readonly #lineEnds: readonly number[]
  readonly #known: Map<string, string>

  constructor(source: ImportSource, file: string, hints: ImportHints) {
    this.#source = source
    this.#folder = path.dirname(file)
    this.#hints = hints
    this.#lineEnds = toLineEnds(source.text)
    this.#names = new NameGiver(hints.known.map(({ name }) => name))
    this.#known = new Map(hints.known.map(({ name, entry }) => [toFingerprint(entry), name]))
  }

  plan(): PlannedServer[] {
    const { root, servers, shape, faults } = this.#source
    const planned = Array.from(servers.entries, ([name, { keyAt, value }]) =>
      this.#planOne(name, keyAt, value),
    )
    for (const { path: place, at = 0, message } of faults) {
      const around = Array.from(place.keys(), (depth) => findNode(root, place.slice(0, depth)))
      const reason = `${message} The first one is taken.`
      if (around.at(-1) === servers) planned.push(this.#leaveOut(String(place.at(-1)), at, reason))
      else if (around.includes(servers)) this.notes.push(`Line ${this.#lineOf(at)}: ${reason}`)
    }
    if (shape.id === 'mcpServers') {
      for (const { path: place, at } of findNestedServers(root)) {
        planned.push(this.#leaveOut(toKeyText(place), at, 'It belongs to one project alone.'))
      }
    }
    this.#noteTheRest()
    this.#noteVariables(planned)
    return planned
  }

  #planOne(name: string, keyAt: number, node: ConfigNode): PlannedServer {
    const line = this.#lineOf(keyAt)
    let converted: ConvertedServer
    try {
      converted = this.#convert(name, node)
    } catch (error) {
      if (!(error instanceof UnfitServer)) throw error
      return this.#leaveOut(name, error.at, error.message)
    }
    const { entry, notes } = converted
    if (isPatchbay(entry)) return this.#leaveOut(name, keyAt, 'This is Patchbay itself.')
    const fingerprint = toFingerprint(entry)
    const known = this.#known.get(fingerprint)
    if (known !== undefined) return { kind: 'known', name, line, as: known }
    const reason = this.#findProblem(entry)
    if (reason !== undefined) return this.#leaveOut(name, keyAt, reason)
    const as = this.#names.give(name)
    this.#known.set(fingerprint, as)
    return { kind: 'added', name, line, as, entry, ...maskEntry(entry), notes }
  }

  #convert(name: string, node: ConfigNode): ConvertedServer {
    const { root, shape, text } = this.#source
    if (node.kind !== 'map') throw new UnfitServer('Expected a group of keys here.', node.at)
    const variables = new VariableWriter(shape.variables, this.#hints.env)
    const hints = { variables, folder: this.#folder }
    if (shape.variables === 'own') return toOwnEntry(node, hints)
    const fields = new ForeignFields(node, text)
    return toEntry(fields, shape.readParts(fields, name, root), hints)
  }

  /** What our own checks say of an entry, if it would not hold. */
  #findProblem(entry: ServerEntry): string | undefined {
    const { configFile, env } = this.#hints
    const text = JSON.stringify({ version: 1, servers: { server: entry } })
    const result = parseConfig(text, configFile, env)
    const problem = result.ok ? undefined : result.problems[0]
    if (problem === undefined) return undefined
    const key = problem.key.replace(/^servers\.server\.?/, '')
    const isPlain = key === '' || key === 'type' || key === 'url'
    return isPlain ? problem.message : `${key}: ${problem.message}`
  }

  #leaveOut(name: string, at: number, reason: string): PlannedServer {
    return { kind: 'left-out', name, line: this.#lineOf(at), reason }
  }

  #noteTheRest(): void {
    const { besides } = this.#source.shape
    if (besides === undefined) return
    const others = [...this.#source.root.entries.keys()].filter(
      (key) => key !== 'servers' && !besides.includes(key),
    )
    if (others.length > 0) this.notes.push(`Only the servers are taken, not ${others.join(', ')}.`)
  }

  /** Of those that are set here: an app that is started from elsewhere may not have them. */
  #noteVariables(planned: readonly PlannedServer[]): void {
    const text = JSON.stringify(planned.map((server) => (server.kind === 'added' ? server.entry : undefined)))
    const names = new Set(Array.from(text.matchAll(/(?<!\$)\$\{(\w+)\}/g), ([, name]) => name))
    for (const name of ['HOME', 'USERPROFILE']) names.delete(name)
    if (names.size === 0) return
    this.notes.push(`Patchbay has to be started with ${[...names].join(', ')} in its environment.`)
  }

  #lineOf(at: number): number {
    const line = this.#lineEnds.findIndex((end) => end >= at)
    return (line < 0 ? this.#lineEnds.length : line) + 1
  }
}

/** Whether an editor's server is our own door, which would lead Patchbay to itself. */
function isPatchbay({ command, args, url }: ServerEntry): boolean {
  if (typeof url === 'string') {
    return /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):7411\/(?:mcp|sse)(?![\w-])/.test(url)
  }
  const words: readonly unknown[] = [command, ...(Array.isArray(args) ? (args as readonly unknown[]) : [])]
  const files = words.map((word) => (typeof word === 'string' ? path.win32.basename(word) : ''))
  const isOurs = files.some((file) => /^patchbay(?:\.mjs|\.exe|\.cmd)?$/.test(file))
  return files.includes('shim.mjs') || (isOurs && (words.includes('connect') || words.includes('--stdio')))
}

const reachKeys = ['command', 'args', 'env', 'cwd', 'url', 'headers', 'host', 'port', 'path', 'endpoints']

/** The same for entries that reach the same server in the same way. */
function toFingerprint(entry: ServerEntry): string {
  const reached = reachKeys.map((key) => (isEmpty(entry[key]) ? undefined : toSorted(entry[key])))
  const sorted = JSON.stringify(reached)
  // Whether a variable was set when a server was taken makes it no other.
  return sorted.replaceAll(/(\$\{\w+):-\}/g, '$1}')
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Groups by the order of their keys; lists keep theirs. */
function toSorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
}
