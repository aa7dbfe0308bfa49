// Which fault, if any, a request is to meet.
import { cut } from './json-span.ts'
import { parseObject, toNumber, toObject, toText, type JsonObject } from './json-values.ts'

/** A fault for requests of one kind: a JSON-RPC method, or `GET` or `DELETE`. */
export interface FaultRule {
  readonly on: string
  /** A name of http-faults.ts. */
  readonly fault: string
  /** How often; always unless given. */
  readonly times: number
  /** What the fault is told. */
  readonly args: JsonObject
}

/** A fault that a request meets now. */
export interface MetFault {
  readonly name: string
  readonly args: JsonObject
}

/** Rules from parsed JSON: `[{on, fault, times?, args?}]`. */
export function toFaultRules(value: unknown): FaultRule[] {
  if (!Array.isArray(value)) return []
  return value.map(toObject).map((rule) => ({
    on: toText(rule['on']),
    fault: toText(rule['fault']),
    times: toNumber(rule['times'], Infinity),
    args: toObject(rule['args']),
  }))
}

/**
 * Counts how often each fault was met. Besides the rules, any tools/call may ask for one itself by the arguments
 * `fault`, `times` (always unless given) and `key` (calls with another key are counted apart).
 */
export class FaultBook {
  #rules: readonly FaultRule[]
  readonly #met = new Map<FaultRule | string, number>()

  constructor(rules: readonly FaultRule[]) {
    this.#rules = rules
  }

  /** Puts other rules in place of all. */
  replace(rules: readonly FaultRule[]): void {
    this.#rules = rules
  }

  /** The fault that a request meets; `kind` is its JSON-RPC method, `GET` or `DELETE`. Counts it. */
  meet(kind: string, line?: Buffer): MetFault | undefined {
    if (kind === 'tools/call' && line !== undefined) {
      const args = parseObject(cut(line, 'params', 'arguments'))
      const name = toText(args['fault'])
      const key = `${name} ${toText(args['key'])}`
      if (name !== '' && this.#count(key, toNumber(args['times'], Infinity))) return { name, args }
    }
    const rule = this.#rules.find((one) => one.on === kind && this.#count(one, one.times))
    return rule && { name: rule.fault, args: rule.args }
  }

  #count(key: FaultRule | string, times: number): boolean {
    const met = this.#met.get(key) ?? 0
    if (met >= times) return false
    this.#met.set(key, met + 1)
    return true
  }
}
