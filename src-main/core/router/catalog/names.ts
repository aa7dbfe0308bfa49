import { createHash } from 'node:crypto'

/** How names of tools and prompts are made (configuration `gateway.naming`). */
export type Naming = 'server__tool' | 'mcp__proxy__server__tool' | 'tool'

/** A tool or prompt as its server calls it. */
export interface Origin {
  readonly server: string
  readonly name: string
}

/** The naming settings. */
export interface NamingRules {
  readonly naming: Naming
  /** Longest name that clients see, in characters. */
  readonly maxLength: number
}

const digits = 7

function toHash({ server, name }: Origin): string {
  return createHash('sha256').update(`${server}\0${name}`).digest('hex')
}

function toPrefix(naming: Naming, server: string): string {
  switch (naming) {
    case 'server__tool':
      return `${server}__`
    case 'mcp__proxy__server__tool':
      return `mcp__proxy__${server}__`
    case 'tool':
      return ''
  }
}

function toPlainName(prefix: string, name: string): string {
  return (prefix + name).replace(/[^A-Za-z0-9_-]/g, '_')
}

/**
 * The name that clients see for each origin, in the same order: a pure function of the set, so that names stay the
 * same from start to start. What is too long, or what several would be called, is cut and gets `_` and 7 hex digits
 * of a hash of server and name. Map names back by this table, never by taking them apart.
 */
export function assignNames(origins: readonly Origin[], rules: NamingRules): string[] {
  const plain = withServerWhereDoubled(origins, rules)
  const doubled = findDoubled(plain)
  const taken = new Set(plain.filter((name) => !doubled.has(name) && name.length <= rules.maxLength))
  return plain.map((name, index) => {
    const origin = origins[index]
    if (origin === undefined || taken.has(name)) return name
    return toHashedName(name, toHash(origin), { maxLength: rules.maxLength, taken })
  })
}

/** With naming `tool`, names that several servers have get their server in front. */
function withServerWhereDoubled(origins: readonly Origin[], { naming }: NamingRules): string[] {
  const plain = origins.map(({ server, name }) => toPlainName(toPrefix(naming, server), name))
  if (naming !== 'tool') return plain
  const doubled = findDoubled(plain)
  return plain.map((name, index) => {
    const server = origins[index]?.server ?? ''
    return doubled.has(name)
      ? toPlainName(toPrefix('server__tool', server), origins[index]?.name ?? '')
      : name
  })
}

function findDoubled(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  return new Set(names.filter((name) => seen.size === seen.add(name).size))
}

function toHashedName(name: string, hash: string, limits: { maxLength: number; taken: Set<string> }): string {
  const kept = name.slice(0, limits.maxLength - digits - 1)
  // Two hashes that begin alike are as good as impossible; then the next digits serve.
  for (let at = 0; at + digits <= hash.length; at++) {
    const candidate = `${kept}_${hash.slice(at, at + digits)}`
    if (limits.taken.has(candidate)) continue
    limits.taken.add(candidate)
    return candidate
  }
  throw new Error(`No free name for ${name}`)
}

/**
 * Which of the servers a name that is in no table looks like it belongs to. Only to say what is wrong with that
 * server, never to route.
 */
export function guessServer(name: string, servers: readonly string[], naming: Naming): string | undefined {
  const prefixes = naming === 'tool' ? (['server__tool'] as const) : [naming]
  return servers.find((server) => prefixes.some((style) => name.startsWith(toPrefix(style, server))))
}
