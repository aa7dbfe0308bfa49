import type { Fault } from './fault.ts'
import { secretsNotBuilt } from './schema/not-built.ts'
import type { ConfigNode, Path, ScalarNode } from './syntax/config-node.ts'

/** Variables that tokens may name. */
export type Environment = Readonly<Record<string, string | undefined>>

type Complaint = Pick<Fault, 'code' | 'message'>

/** A text with its tokens replaced; `origin` as in ScalarNode. */
interface Substituted {
  readonly text: string
  readonly origin: ScalarNode['origin']
  readonly complaints: readonly Complaint[]
}

const tokenPattern = /^([A-Za-z_]\w*)(?:(:-|-|:\?)([^]*))?$/
const secretPattern = /^secret:[\w.-]+$/
const forms = '${NAME}, ${NAME:-default}, ${NAME-default} or ${NAME:?message}'

/**
 * Replaces `${VAR}`, `${VAR:-default}` (unset or empty), `${VAR-default}` (unset), `${VAR:?message}` (refused when
 * unset or empty); `$${` stands for `${` itself. What was put in is not looked at again. Complaints never hold the
 * value of a variable.
 */
export function substitute(source: string, env: Environment): Substituted {
  const complaints: Complaint[] = []
  let text = ''
  let tokens = 0
  let position = 0
  for (;;) {
    const start = source.indexOf('${', position)
    if (start < 0) break
    if (start > position && source[start - 1] === '$') {
      text += `${source.slice(position, start - 1)}\${`
      position = start + 2
      continue
    }
    text += source.slice(position, start)
    const end = source.indexOf('}', start)
    if (end < 0) {
      complaints.push(toMalformed('A ${ has no closing }', 'for a plain ${ write $${'))
      position = source.length
      break
    }
    tokens += 1
    const value = resolveToken(source.slice(start + 2, end), env)
    if (typeof value === 'string') text += value
    else complaints.push(value)
    position = end + 1
    if (start === 0 && position === source.length) {
      return { text, origin: complaints.length > 0 ? 'unknown' : 'token', complaints }
    }
  }
  text += source.slice(position)
  if (complaints.length > 0) return { text, origin: 'unknown', complaints }
  return { text, origin: tokens > 0 ? 'mixed' : 'file', complaints }
}

function resolveToken(body: string, env: Environment): string | Complaint {
  if (body.includes('${'))
    return toMalformed('A ${…} stands inside another', `expected ${forms} without nesting`)
  if (secretPattern.test(body)) return { code: 'not-built', message: secretsNotBuilt }
  const [, name, operator, rest = ''] = tokenPattern.exec(body) ?? []
  if (name === undefined) {
    return toMalformed('This ${…} cannot be read', `expected ${forms}; for a plain \${ write $\${`)
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (operator === '-') return value ?? rest
  if (operator === ':-') return value === undefined || value === '' ? rest : value
  if (operator === ':?') {
    if (value !== undefined && value !== '') return value
    const reason = rest === '' ? 'expected it to be set and not empty' : rest
    return { code: 'missing-variable', message: `The environment variable ${name} is missing: ${reason}` }
  }
  if (value !== undefined) return value
  const message = `The environment variable ${name} is not set; expected it to be set, or a default as in \${${name}:-default}.`
  return { code: 'missing-variable', message }
}

function toMalformed(what: string, expected: string): Complaint {
  return { code: 'invalid-token', message: `${what}; ${expected}.` }
}

/** The same tree with the tokens of every text value replaced. Keys stay as they are. */
export function substituteAll(root: ConfigNode, env: Environment, faults: Fault[]): ConfigNode {
  const visit = (node: ConfigNode, path: Path): ConfigNode => {
    if (node.kind === 'list') {
      return { ...node, items: node.items.map((item, index) => visit(item, [...path, index])) }
    }
    if (node.kind === 'map') {
      const entries = Array.from(node.entries, ([key, entry]) => {
        return [key, { ...entry, value: visit(entry.value, [...path, key]) }] as const
      })
      return { ...node, entries: new Map(entries) }
    }
    if (typeof node.value !== 'string') return node
    const { text, origin, complaints } = substitute(node.value, env)
    faults.push(...complaints.map((complaint) => ({ ...complaint, path, at: node.at })))
    return { ...node, value: text, origin }
  }
  return visit(root, [])
}
