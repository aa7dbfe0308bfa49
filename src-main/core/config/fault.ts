import type { Path } from './syntax/config-node.ts'

/** What can be wrong with a configuration. */
export type FaultCode =
  | 'no-file'
  | 'unreadable'
  | 'unknown-format'
  | 'syntax'
  | 'duplicate-key'
  | 'duplicate-name'
  | 'unknown-key'
  | 'missing-key'
  | 'invalid-value'
  | 'invalid-token'
  | 'newer-version'
  | 'unsafe-place'
  | 'missing-variable'
  | 'not-built'

/** Something wrong, before it is known on which line it stands. `at` where only the parser knows the place. */
export interface Fault {
  readonly code: FaultCode
  readonly path: Path
  readonly message: string
  /** Whether to point at the key rather than at its value. */
  readonly aim?: 'key' | 'value'
  readonly at?: number
  /** The key that was probably meant by an unknown one: its absence needs no complaint of its own. */
  readonly meant?: Path
}

/** A path as people write it: `servers.files.args[0]`, '' for the root. */
export function toKeyText(path: Path): string {
  return path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`
      return /^[\w$-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`
    })
    .join('')
    .replace(/^\./, '')
}

/** Places, of which each is found at once however many there are. */
export class PathSet {
  readonly #texts = new Set<string>()

  constructor(places: Iterable<Path> = []) {
    for (const place of places) this.add(place)
  }

  add(place: Path): void {
    this.#texts.add(JSON.stringify(place))
  }

  has(place: Path): boolean {
    return this.#texts.has(JSON.stringify(place))
  }

  /** Whether this place is one of them or lies in one. */
  covers(place: Path): boolean {
    return this.has(place) || [...place.keys()].some((depth) => this.has(place.slice(0, depth)))
  }
}
