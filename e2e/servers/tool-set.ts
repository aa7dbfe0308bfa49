import { setTimeout as delay } from 'node:timers/promises'
import { RawReply, RpcError, type Handlers } from './kit.ts'
import { toObject, type JsonObject } from './json-values.ts'
import type { Call, Peer } from './peer.ts'
import { toPage } from './pages.ts'

/** What a tool's code is given. */
export interface ToolCall {
  readonly args: JsonObject
  readonly call: Call
  readonly peer: Peer
}

/** A tool of a test server. A text that it returns becomes one text block. */
export interface Tool {
  readonly name: string
  readonly definition?: JsonObject
  readonly run: (given: ToolCall) => unknown
}

/** A value as JSON text, for tools that report something. */
export function toReport(value: unknown): string {
  return JSON.stringify(value)
}

/** Waits; false when the call was cancelled meanwhile. */
export async function sleepUnlessCancelled(milliseconds: number, call: Call): Promise<boolean> {
  try {
    await delay(milliseconds, undefined, { signal: call.signal })
    return true
  } catch (error) {
    if ((error as Error).name === 'AbortError') return false
    throw error
  }
}

function toDefinition(tool: Tool): JsonObject {
  return {
    name: tool.name,
    description: `Test tool ${tool.name}`,
    inputSchema: { type: 'object' },
    ...tool.definition,
  }
}

/** The tools of one server, which may change. */
export class ToolSet {
  calls = 0
  readonly #tools = new Map<string, Tool>()

  add(...tools: readonly Tool[]): void {
    for (const tool of tools) this.#tools.set(tool.name, tool)
  }

  remove(name: string): void {
    this.#tools.delete(name)
  }

  /** Handlers of tools/list and tools/call; lists come in pages when a size is given. */
  handlers(pageSize?: number): Handlers {
    return {
      'tools/list': (call) =>
        toPage('tools', [...this.#tools.values()].map(toDefinition), {
          pageSize,
          cursor: call.value['cursor'],
        }),
      'tools/call': (call, peer) => this.#call(call, peer),
    }
  }

  async #call(call: Call, peer: Peer): Promise<unknown> {
    this.calls++
    const name = String(call.value['name'])
    const tool = this.#tools.get(name)
    if (tool === undefined) throw new RpcError(-32602, `No tool ${name}.`)
    const value = await tool.run({ args: toObject(call.value['arguments']), call, peer })
    if (value instanceof RawReply) return value
    return typeof value === 'string' ? { content: [{ type: 'text', text: value }] } : value
  }
}
