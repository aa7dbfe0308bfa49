import { splice, type Replacement } from '#base/splice.ts'
import { toArray } from '../../upstream/lists/known-server.ts'
import type { ListItem, ListKind, Lists } from '../../upstream/lists/list-items.ts'
import { assignNames, type NamingRules, type Origin } from './names.ts'
import type { ToAlias } from './rewrite-uris.ts'
import {
  fillTemplate,
  matchTemplate,
  parseTemplate,
  toEffort,
  toAlias,
  toTemplateAlias,
  type Effort,
  type Template,
} from './uris.ts'

/** What one server brings into a catalog, in the order of the configuration. */
export interface CatalogEntry {
  readonly server: string
  readonly lists: Lists
  /** Names of tools that are switched off. */
  readonly disabledTools: ReadonlySet<string>
  /** Whether its things are listed. Those of a server that is not can still be named, to hear what is wrong with it. */
  readonly isShown: boolean
}

/** Where a name or URI that clients use leads. */
export interface Target {
  readonly server: string
  /** What the server itself calls it. */
  readonly key: string
  readonly isDisabled: boolean
}

interface Listed extends Target {
  /** What clients call it. */
  readonly shown: string
  readonly item: ListItem
  readonly isListed: boolean
}

/** What of a server has another name in front of clients. */
interface Aliases {
  readonly uris: Map<string, string>
  readonly templates: Listed[]
}

/** Everything that a client of the whole sees, merged from all its servers. Made anew whenever a list changes. */
export class Catalog {
  readonly #shown: Record<ListKind, readonly Listed[]>
  readonly #byShown: Record<ListKind, ReadonlyMap<string, Listed>>
  readonly #results = new Map<ListKind, Buffer>()
  readonly #aliases = new Map<string, Aliases>()
  readonly #templates = new Map<string, Template>()
  #byLiteral: readonly Listed[] | undefined

  constructor(entries: readonly CatalogEntry[], rules: NamingRules) {
    this.#shown = {
      tools: toNamed(entries, 'tools', rules),
      prompts: toNamed(entries, 'prompts', rules),
      resources: this.#toUnique(entries, 'resources'),
      resourceTemplates: this.#toUnique(entries, 'resourceTemplates'),
    }
    const index = (kind: ListKind): Map<string, Listed> =>
      new Map(this.#shown[kind].map((one) => [one.shown, one]))
    this.#byShown = {
      tools: index('tools'),
      prompts: index('prompts'),
      resources: index('resources'),
      resourceTemplates: index('resourceTemplates'),
    }
  }

  /** The result of a list request, as bytes: each item as its server wrote it but for its name. */
  toResult(kind: ListKind): Buffer {
    const made = this.#results.get(kind)
    if (made !== undefined) return made
    const items = this.#shown[kind].filter((one) => one.isListed && !one.isDisabled).map(toShownBytes)
    const result = Buffer.concat([Buffer.from(`{"${kind}":`), toArray(items), Buffer.from('}')])
    this.#results.set(kind, result)
    return result
  }

  /** Where the name of a tool or prompt leads; the bare name too, while only one server has it. */
  findName(kind: 'tools' | 'prompts', name: string): Target | undefined {
    const shown = this.#byShown[kind].get(name)
    if (shown !== undefined) return shown
    const bare = this.#shown[kind].filter((one) => one.key === name)
    return bare.length === 1 ? bare[0] : undefined
  }

  /** Where a URI leads: to its owner, else to the server whose template matches, the most literal one first. */
  findUri(uri: string): Target | undefined {
    const owner = this.#byShown.resources.get(uri)
    if (owner !== undefined) return owner
    // The most literal come first, and of equals the first: nothing better can come after one that matches.
    this.#byLiteral ??= this.#shown.resourceTemplates.toSorted(
      (a, b) => this.#parse(b.key).literal - this.#parse(a.key).literal,
    )
    const efforts = new Map<string, Effort>()
    for (const { server, key, shown } of this.#byLiteral) {
      const effort = efforts.get(server) ?? toEffort()
      efforts.set(server, effort)
      const values = matchTemplate(this.#parse(shown), uri, effort)
      if (values !== undefined)
        return { server, key: fillTemplate(this.#parse(key), values), isDisabled: false }
    }
    return undefined
  }

  /** Where a URI template leads, as a completion names it. */
  findTemplate(template: string): Target | undefined {
    return this.#byShown.resourceTemplates.get(template)
  }

  /** What gives the aliases of a server's URIs; undefined when it has none. */
  aliasesOf(server: string): ToAlias | undefined {
    const aliases = this.#aliases.get(server)
    if (aliases === undefined) return undefined
    return (uri) => {
      const alias = aliases.uris.get(uri)
      if (alias !== undefined || this.#byShown.resources.get(uri)?.server === server) return alias
      const effort = toEffort()
      for (const { key, shown } of aliases.templates) {
        const values = matchTemplate(this.#parse(key), uri, effort)
        if (values !== undefined) return fillTemplate(this.#parse(shown), values)
      }
      return undefined
    }
  }

  /** Each template is taken apart once. */
  #parse(template: string): Template {
    const known = this.#templates.get(template)
    if (known !== undefined) return known
    const parsed = parseTemplate(template)
    this.#templates.set(template, parsed)
    return parsed
  }

  #toUnique(entries: readonly CatalogEntry[], kind: 'resources' | 'resourceTemplates'): Listed[] {
    const toAliasOf = kind === 'resources' ? toAlias : toTemplateAlias
    const own = new Set(entries.flatMap(({ lists }) => lists[kind].map((item) => item.key)))
    const taken = new Set<string>()
    return entries.flatMap(({ server, lists, isShown }) =>
      lists[kind].map((item) => {
        const { key } = item
        const shown = taken.has(key) ? findFree(server, (name) => toAliasOf(name, key), own) : key
        taken.add(shown)
        const listed = { server, key, shown, item, isDisabled: false, isListed: isShown }
        if (shown !== key) this.#addAlias(kind, listed)
        return listed
      }),
    )
  }

  #addAlias(kind: 'resources' | 'resourceTemplates', listed: Listed): void {
    const aliases = this.#aliases.get(listed.server) ?? { uris: new Map<string, string>(), templates: [] }
    this.#aliases.set(listed.server, aliases)
    if (kind === 'resources') aliases.uris.set(listed.key, listed.shown)
    else aliases.templates.push(listed)
  }
}

/** An alias that no server wrote itself. A server's name has no tilde, so the numbered ones are free sooner or later. */
function findFree(server: string, toAliasOf: (server: string) => string, own: ReadonlySet<string>): string {
  let alias = toAliasOf(server)
  for (let count = 2; own.has(alias); count++) alias = toAliasOf(`${server}~${count}`)
  return alias
}

function toNamed(entries: readonly CatalogEntry[], kind: 'tools' | 'prompts', rules: NamingRules): Listed[] {
  const all = entries.flatMap(({ server, lists, disabledTools, isShown }) =>
    lists[kind].map((item) => ({
      server,
      item,
      isListed: isShown,
      isDisabled: kind === 'tools' && disabledTools.has(item.key),
    })),
  )
  const origins: Origin[] = all.map(({ server, item }) => ({ server, name: item.key }))
  const names = assignNames(origins, rules)
  return all.map((one, index) => ({ ...one, key: one.item.key, shown: names[index] ?? one.item.key }))
}

function toShownBytes({ item, shown, key }: Listed): Buffer {
  if (shown === key) return item.bytes
  const renamed: Replacement = { span: item.keySpan, bytes: Buffer.from(JSON.stringify(shown)) }
  return Buffer.concat(splice(item.bytes, [renamed]))
}
