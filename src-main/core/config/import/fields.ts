import type { ConfigNode, MapNode, ScalarNode } from '../syntax/config-node.ts'

/** A server of somebody else's file cannot be taken: the sentence says why. `at` is where, in UTF-16 units. */
export class UnfitServer extends Error {
  override readonly name = 'UnfitServer'
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/**
 * A group of keys in somebody else's file, read by name. Every reader takes the first of several spellings, gives
 * undefined when none is there, and throws UnfitServer when what is there is of another kind.
 */
export class ForeignFields {
  readonly node: MapNode
  readonly #source: string
  readonly #read = new Set<string>()

  constructor(node: MapNode, source: string) {
    this.node = node
    this.#source = source
  }

  /** Keys that nothing has asked for. */
  get unread(): string[] {
    return [...this.node.entries.keys()].filter((key) => !this.#read.has(key))
  }

  has(key: string): boolean {
    return this.#find([key]) !== undefined
  }

  text(...keys: string[]): string | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    const isText = found.node.kind === 'scalar' && typeof found.node.value === 'string'
    if (!isText) throw unfit(found.key, 'text', found.node)
    return this.#toText(found.node, found.key)
  }

  /** Numbers and booleans in it become text. */
  texts(...keys: string[]): string[] | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    if (found.node.kind !== 'list') throw unfit(found.key, 'a list of text', found.node)
    return found.node.items.map((item, index) => this.#toText(item, `${found.key}[${index}]`))
  }

  /** Numbers and booleans in it become text. */
  textByName(...keys: string[]): Record<string, string> | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    if (found.node.kind !== 'map') throw unfit(found.key, 'a group of keys with text', found.node)
    const given = Array.from(found.node.entries).filter(([, { value }]) => !isNothing(value))
    return Object.fromEntries(
      given.map(([name, { value }]) => [name, this.#toText(value, `${found.key}.${name}`)]),
    )
  }

  flag(...keys: string[]): boolean | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    const value = found.node.kind === 'scalar' ? found.node.value : undefined
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw unfit(found.key, 'true or false', found.node)
  }

  number(...keys: string[]): number | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    const value = found.node.kind === 'scalar' ? found.node.value : undefined
    if (typeof value !== 'number' || !Number.isFinite(value)) throw unfit(found.key, 'a number', found.node)
    return value
  }

  group(...keys: string[]): ForeignFields | undefined {
    const found = this.#find(keys)
    if (found === undefined) return undefined
    if (found.node.kind !== 'map') throw unfit(found.key, 'a group of keys', found.node)
    return new ForeignFields(found.node, this.#source)
  }

  /** Of what kind a value is, without reading it. */
  kindOf(key: string): ConfigNode['kind'] | undefined {
    return this.node.entries.get(key)?.value.kind
  }

  #find(keys: readonly string[]): { key: string; node: ConfigNode } | undefined {
    for (const key of keys) this.#read.add(key)
    for (const key of keys) {
      const node = this.node.entries.get(key)?.value
      if (node !== undefined && !isNothing(node)) return { key, node }
    }
    return undefined
  }

  /** Numbers as they are written: 0755 keeps its zero. */
  #toText(node: ConfigNode, key: string): string {
    const value = node.kind === 'scalar' ? node.value : null
    if (typeof value === 'string') {
      if (value.includes('\0')) throw unfit(key, 'text without NUL characters', node)
      return value
    }
    if (typeof value === 'boolean') return String(value)
    if (typeof value !== 'number') throw unfit(key, 'text', node)
    const written = /^[-+.\w]{1,40}/.exec(this.#source.slice(node.at, node.at + 40))?.[0]
    return written !== undefined && Number(written) === value ? written : String(value)
  }
}

function isNothing(node: ConfigNode): node is ScalarNode {
  return node.kind === 'scalar' && node.value === null
}

function unfit(key: string, expected: string, node: ConfigNode): UnfitServer {
  return new UnfitServer(`Its ${key} is of a wrong kind; expected ${expected}.`, node.at)
}
