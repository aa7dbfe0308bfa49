/** Names of keys and indices of list items, from the root. */
export type Path = readonly (string | number)[]

/**
 * A single value. `origin` tells how the text came about: as it stands in the file, from exactly one token, from text
 * with tokens in it, or `unknown` when a token could not be replaced (which has been reported then).
 */
export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: number
  readonly value: string | number | boolean | Date | null
  readonly origin: 'file' | 'token' | 'mixed' | 'unknown'
}

/** A list, in order. */
export interface ListNode {
  readonly kind: 'list'
  readonly at: number
  readonly items: ConfigNode[]
}

/** A group of keys, in the order of the file. `keyAt` is where the key stands, `value.at` where its value begins. */
export interface MapNode {
  readonly kind: 'map'
  readonly at: number
  readonly entries: Map<string, { readonly keyAt: number; readonly value: ConfigNode }>
}

/** What a configuration file says, whatever its format. `at` counts UTF-16 units from the start of the text. */
export type ConfigNode = ScalarNode | ListNode | MapNode

/** A value as it stands in the file. */
export function createScalar(at: number, value: ScalarNode['value']): ScalarNode {
  return { kind: 'scalar', at, value, origin: 'file' }
}

/** The node at a path, if there is one. */
export function findNode(root: ConfigNode, path: Path): ConfigNode | undefined {
  let node: ConfigNode | undefined = root
  for (const part of path) {
    if (node?.kind === 'map') node = node.entries.get(String(part))?.value
    else if (node?.kind === 'list') node = node.items[Number(part)]
    else return undefined
  }
  return node
}

/**
 * Where a path stands: a single value at itself, a group or list at its key. What is missing is looked for where it
 * should be: at the key of the nearest group around it.
 */
export function locate(root: ConfigNode, path: Path, aim: 'key' | 'value'): number {
  let node = root
  let at = root.at
  for (const [index, part] of path.entries()) {
    if (node.kind === 'list') {
      const item = node.items[Number(part)]
      if (item === undefined) return at
      node = item
      at = item.at
    } else if (node.kind === 'map') {
      const entry = node.entries.get(String(part))
      if (entry === undefined) return at
      node = entry.value
      const isAim = index === path.length - 1 && aim === 'value' && node.kind === 'scalar'
      at = isAim ? node.at : entry.keyAt
    } else return at
  }
  return at
}
