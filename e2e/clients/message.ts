import { cut, findMembers, toIdKey } from '../servers/json-span.ts'

/** An error as JSON-RPC has it, parsed. */
export interface WireError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** One received line and the raw bytes of its members. */
export class Message {
  readonly line: Buffer
  /** Undefined for answers. */
  readonly method: string | undefined
  /** As written; undefined for notifications. */
  readonly id: Buffer | undefined
  /** performance.now() when it came. */
  readonly at: number = performance.now()

  constructor(line: Buffer) {
    this.line = line
    const members = findMembers(line)
    const method = members.get('method')
    const id = members.get('id')
    this.method = method && (JSON.parse(line.toString('utf8', method.start, method.end)) as string)
    this.id = id && line.subarray(id.start, id.end)
  }

  /** Key of the id, or undefined without one. */
  get idKey(): string | undefined {
    return this.id && toIdKey(this.id)
  }

  /** The raw bytes of a value inside, by path. */
  raw(...path: string[]): Buffer | undefined {
    return cut(this.line, ...path)
  }

  /** A value inside, parsed, by path; undefined when there is none. */
  get(...path: string[]): unknown {
    const bytes = this.raw(...path)
    return bytes && (JSON.parse(bytes.toString('utf8')) as unknown)
  }

  get result(): unknown {
    return this.get('result')
  }

  get error(): WireError | undefined {
    return this.get('error') as WireError | undefined
  }

  /** The first text block of a tool result; fails on an error and on a result without text. */
  get text(): string {
    const content = this.get('result', 'content') as { text?: unknown }[] | undefined
    const text = content?.[0]?.text
    if (typeof text !== 'string') throw new Error(`No text in ${this.excerpt()}`)
    return text
  }

  /** The beginning of the line, for failure messages. */
  excerpt(length = 300): string {
    const text = this.line.toString('utf8', 0, length)
    return this.line.length > length ? `${text}… (${this.line.length} bytes)` : text
  }
}
