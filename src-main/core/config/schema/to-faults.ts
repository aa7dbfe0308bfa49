import type { z } from 'zod'
import { PathSet, type Fault } from '../fault.ts'
import { findNearWord } from './near-word.ts'
import { findNode, type ConfigNode, type Path } from '../syntax/config-node.ts'

type Issue = z.core.$ZodIssue

/** What zod found, as sentences; without what has been reported already and without what is `settled`. */
export function toFaults(error: z.ZodError, root: ConfigNode, settled: readonly Path[]): Fault[] {
  const places = new PathSet(settled)
  return error.issues
    .map((issue) => ({
      issue,
      path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    }))
    .filter(({ issue, path }) => {
      // Keys are checked in fit-to-schema, which knows what was meant.
      return issue.code !== 'unrecognized_keys' && !places.covers(path)
    })
    .map(({ issue, path }) => toFault(issue, path, root))
}

function toFault(issue: Issue, path: Path, root: ConfigNode): Fault {
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'another name'
    return {
      code: 'invalid-value',
      path,
      aim: 'key',
      message: `This name cannot be used; expected ${expected}.`,
    }
  }
  const node = findNode(root, path)
  const name = path.at(-1)
  if (node === undefined && name !== undefined) {
    const message = `The key "${name}" is missing; expected ${issue.message}.`
    return { code: 'missing-key', path, message }
  }
  const expected = `Expected ${issue.message}`
  if (issue.code === 'invalid_type' && issue.expected !== 'int') {
    return { code: 'invalid-value', path, message: `${expected}, but this is ${describe(node)}.` }
  }
  const near = issue.code === 'invalid_value' ? findMeant(node, issue.values) : undefined
  const hint = near === undefined ? '.' : `; did you mean "${near}"?`
  return { code: 'invalid-value', path, message: `${expected}${hint}` }
}

/** Never for a text that came from the environment: such are not repeated. */
function findMeant(node: ConfigNode | undefined, values: readonly unknown[]): string | undefined {
  if (node?.kind !== 'scalar' || node.origin !== 'file' || typeof node.value !== 'string') return undefined
  return findNearWord(
    node.value,
    values.filter((value) => typeof value === 'string'),
  )
}

function describe(node: ConfigNode | undefined): string {
  if (node === undefined) return 'nothing'
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'map') return 'a group of keys'
  const { value } = node
  if (value === null) return 'nothing'
  if (typeof value === 'string') return 'text'
  if (value instanceof Date) return 'a date (quotes make it text)'
  if (typeof value === 'boolean') return 'true or false (quotes make it text)'
  return Number.isFinite(value) ? 'a number (quotes make it text)' : 'no finite number'
}
