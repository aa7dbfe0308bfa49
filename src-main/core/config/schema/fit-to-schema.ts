import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { chooseTransport } from './choose-transport.ts'
import { PathSet, type Fault } from '../fault.ts'
import { findNearWord } from './near-word.ts'
import { findNotBuilt, findTransportNotBuilt } from './not-built.ts'
import { transportTypes } from './server-schema.ts'
import type { ConfigNode, MapNode, Path, ScalarNode } from '../syntax/config-node.ts'

/** Plain values for zod, and the places where nothing more is to be said. */
interface Fitting {
  readonly value: unknown
  readonly settled: readonly Path[]
}

/**
 * Turns a tree into plain values as a schema wants them: texts from tokens become numbers and booleans where those
 * are wanted. Reports keys that the schema does not know and those that are not built.
 */
export function fitToSchema(schema: z.ZodType, root: ConfigNode, faults: Fault[]): Fitting {
  const fitter = new Fitter(faults)
  const value = fitter.fit(schema, root, [])
  return { value, settled: fitter.settled }
}

/** Where editors keep the servers in their own files. */
const editorKeys: ReadonlySet<string> = new Set(['mcpServers', 'mcp_servers', 'context_servers'])
const importHint = "it is one of an editor's file, from which `patchbay import FILE` takes the servers."

class Fitter {
  readonly settled: Path[] = []
  readonly #faults: Fault[]
  readonly #reported: PathSet

  constructor(faults: Fault[]) {
    this.#faults = faults
    this.#reported = new PathSet(faults.map(({ path }) => path))
  }

  fit(schema: z.ZodType, node: ConfigNode, path: Path): unknown {
    const inner = unwrap(schema)
    // A key with nothing after it, all of whose content is commented out, is as good as none.
    if (inner !== schema && isGroupOrList(inner) && node.kind === 'scalar' && node.value === null)
      return undefined
    const value = this.#fitInner(inner, node, path)
    if (inner !== schema) this.#checkBuilt(schema, value, path)
    return value
  }

  #fitInner(schema: z.ZodType, node: ConfigNode, path: Path): unknown {
    if (schema instanceof z.ZodUnion) return this.#fitTransport(schema, node, path)
    if (node.kind === 'scalar') return this.#fitScalar(schema, node, path)
    if (node.kind === 'list') {
      const element = schema instanceof z.ZodArray ? asType(schema.element) : z.unknown()
      return node.items.map((item, index) => this.fit(element, item, [...path, index]))
    }
    if (schema instanceof z.ZodObject) return this.#fitObject(schema, node, path)
    const element = schema instanceof z.ZodRecord ? asType(schema.valueType) : z.unknown()
    return this.#fitEntries(node, path, () => element)
  }

  #fitScalar(schema: z.ZodType, node: ScalarNode, path: Path): unknown {
    if (node.origin === 'unknown') {
      this.settled.push(path)
      return undefined
    }
    if (node.origin !== 'token' || typeof node.value !== 'string') return node.value
    return coerce(schema, node.value)
  }

  #fitObject(schema: z.ZodObject, node: MapNode, path: Path): unknown {
    const known = Object.keys(schema.shape)
    return this.#fitEntries(node, path, (key) => {
      if (Object.hasOwn(schema.shape, key)) return asType(schema.shape[key])
      const near = findNearWord(key, known)
      const hint = near === undefined ? `expected one of ${known.join(', ')}.` : `did you mean "${near}"?`
      const isForeign = path.length === 0 && editorKeys.has(key)
      this.#report({
        code: 'unknown-key',
        path: [...path, key],
        aim: 'key',
        message: `The key "${key}" is not known here; ${isForeign ? importHint : hint}`,
        ...(near === undefined ? {} : { meant: [...path, near] }),
      })
      return undefined
    })
  }

  /** Without a prototype, so that no key can mean more than itself. */
  #fitEntries(node: MapNode, path: Path, find: (key: string) => z.ZodType | undefined): unknown {
    const values = Object.create(null) as Record<string, unknown>
    for (const [key, entry] of node.entries) {
      if (key === '__proto__') {
        const message = 'The key "__proto__" cannot be used; expected another name.'
        this.#report({ code: 'unknown-key', path: [...path, key], aim: 'key', message })
        continue
      }
      const schema = find(key)
      if (schema === undefined) continue
      const value = this.fit(schema, entry.value, [...path, key])
      if (value !== undefined) values[key] = value
    }
    return values
  }

  #fitTransport(schema: z.ZodUnion, node: ConfigNode, path: Path): unknown {
    if (node.kind !== 'map') return node.kind === 'scalar' ? this.#fitScalar(schema, node, path) : []
    const choice = chooseTransport(node, path)
    if (!choice.ok) {
      if (choice.fault !== undefined) this.#report(choice.fault)
      this.settled.push(path)
      return undefined
    }
    const option = schema.options[transportTypes.indexOf(choice.type)]
    this.#checkForeignKeys(schema, node, path)
    const sentence =
      path[0] === 'servers' && path.length === 2 ? findTransportNotBuilt(choice.type) : undefined
    if (sentence !== undefined)
      this.#report({ code: 'not-built', path: [...path, choice.key], aim: 'key', message: sentence })
    const value = this.#fitInner(asType(option), node, path)
    // So that zod takes the same option.
    return Object.assign(Object(value), { type: choice.type })
  }

  /** Keys that only servers of other types have. */
  #checkForeignKeys(schema: z.ZodUnion, node: MapNode, path: Path): void {
    const choice = chooseTransport(node, path)
    if (!choice.ok) return
    const owners = (key: string): string[] =>
      transportTypes.filter((type) =>
        Object.hasOwn(shapeOf(schema.options[transportTypes.indexOf(type)]), key),
      )
    for (const key of node.entries.keys()) {
      const types = owners(key)
      if (types.length === 0 || types.includes(choice.type)) continue
      const message =
        key === 'url' && choice.key === 'command'
          ? 'This has both a command and a url; expected either a command (a program to run) or a url (an address).'
          : `The key "${key}" belongs to type ${types.join(', ')}, but this is of type ${choice.type}, since ${choice.reason}.`
      this.#report({ code: 'unknown-key', path: [...path, key], message, aim: 'key' })
    }
  }

  #checkBuilt(schema: z.ZodType, value: unknown, path: Path): void {
    if (value === undefined) return
    const key = path.map((part, index) => (path[0] === 'servers' && index === 1 ? '*' : part)).join('.')
    const row = findNotBuilt(key)
    if (row === undefined) return
    const parsed = schema.safeParse(value)
    // What does not fit is reported as that.
    if (!parsed.success || isDeepStrictEqual(parsed.data, schema.safeParse(undefined).data)) return
    this.#report({ code: 'not-built', path, message: row.sentence, aim: 'key' })
  }

  /** One complaint for each place. */
  #report(fault: Fault): void {
    if (this.#reported.has(fault.path)) return
    this.#reported.add(fault.path)
    this.#faults.push(fault)
  }
}

function coerce(schema: z.ZodType, value: string): unknown {
  const wanted = schema instanceof z.ZodLiteral ? typeof schema.value : schema.type
  if (wanted === 'number' && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)) return Number(value)
  if (wanted === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

function unwrap(schema: z.ZodType): z.ZodType {
  const isWrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return isWrapped ? unwrap(asType(schema.unwrap())) : schema
}

function isGroupOrList(schema: z.ZodType): boolean {
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord || schema instanceof z.ZodArray
}

function shapeOf(schema: unknown): object {
  return schema instanceof z.ZodObject ? schema.shape : {}
}

/** zod types the parts of its schemas by the smaller interface of its core. */
function asType(schema: unknown): z.ZodType {
  return schema as z.ZodType
}
