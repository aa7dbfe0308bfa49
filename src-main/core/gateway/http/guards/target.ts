/** Where a request goes: the parts of its path, decoded, and its query. */
export interface Target {
  readonly path: readonly string[]
  readonly query: string
}

// Control characters, and what some would take for the end of a segment once it is decoded.
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f/\\]/

/**
 * Reads the target of a request; undefined when it is not of the usual form, or tries to leave its path. Each part is
 * decoded once.
 */
export function readTarget(target: string): Target | undefined {
  if (!target.startsWith('/')) return undefined
  const at = target.indexOf('?')
  const whole = at === -1 ? target : target.slice(0, at)
  // A fragment is no part of a request.
  if (target.includes('#')) return undefined
  const path: string[] = []
  for (const part of whole.slice(1).split('/')) {
    const segment = decode(part)
    if (segment === undefined || segment === '.' || segment === '..' || forbidden.test(segment))
      return undefined
    path.push(segment)
  }
  return { path, query: at === -1 ? '' : target.slice(at + 1) }
}

function decode(part: string): string | undefined {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
