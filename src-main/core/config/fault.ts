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

/** Whether `inner` is `outer` or lies in it. */
export function isWithin(inner: Path, outer: Path): boolean {
  return outer.every((part, index) => inner[index] === part)
}
