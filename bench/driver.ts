// The client of the benchmark: the same for every way to the server, and light enough not to be what is measured.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const idField = Buffer.from('"id":')

function toCall(tool: string, text: string): { readonly head: Buffer; readonly tail: Buffer } {
  const params = `{"name":"${tool}","arguments":{"text":"${text}"}}`
  const tail = `,"method":"tools/call","params":${params}}\n`
  return { head: Buffer.from('{"jsonrpc":"2.0","id":'), tail: Buffer.from(tail) }
}

/** One conversation with a process that speaks MCP on its stdin and stdout. */
export class Driver {
  readonly #child: ChildProcess
  readonly #spawnedAt = performance.now()
  readonly #waiting = new Map<number, (bytes: number) => void>()
  #partial: Buffer[] = []
  #lastId = 0

  constructor(command: readonly string[]) {
    const [program, ...args] = command
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#take(chunk)
    })
  }

  /** Initializes; gives the milliseconds from the spawn to the answer. */
  async open(): Promise<number> {
    const params =
      '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}'
    const id = ++this.#lastId
    await this.#send(
      id,
      Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"initialize","params":${params}}\n`),
    )
    const time = performance.now() - this.#spawnedAt
    this.#child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    return time
  }

  /** Calls the tool one after the other; gives the median of the milliseconds that a call took. */
  async measureLatency(tool: string, text: string, calls: number): Promise<number> {
    const call = toCall(tool, text)
    const times: number[] = []
    for (let index = 0; index < calls; index++) {
      const start = performance.now()
      await this.#call(call, text.length)
      times.push(performance.now() - start)
    }
    return median(times)
  }

  /** Calls the tool with 64 calls in flight; gives calls per second. */
  async measureRate(tool: string, text: string, calls: number): Promise<number> {
    const call = toCall(tool, text)
    let left = calls
    const work = async (): Promise<void> => {
      while (left-- > 0) await this.#call(call, text.length)
    }
    const start = performance.now()
    await Promise.all(Array.from({ length: 64 }, work))
    return calls / ((performance.now() - start) / 1000)
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.stdin!.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000)
    await exited
    clearTimeout(timer)
  }

  async #call(call: { readonly head: Buffer; readonly tail: Buffer }, least: number): Promise<void> {
    const id = ++this.#lastId
    const received = await this.#send(id, Buffer.concat([call.head, Buffer.from(String(id)), call.tail]))
    if (received < least) throw new Error(`An answer of ${received} bytes cannot hold ${least}.`)
  }

  #send(id: number, line: Buffer): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const timer = setTimeout(() => {
      reject(new Error(`No answer within 20 s to ${line.toString('utf8', 0, 200)}`))
    }, 20_000)
    this.#waiting.set(id, (bytes) => {
      clearTimeout(timer)
      resolve(bytes)
    })
    this.#child.stdin!.write(line)
    return promise
  }

  #take(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, end)
      this.#answer(this.#partial.length === 0 ? tail : Buffer.concat([...this.#partial, tail]))
      this.#partial = []
      from = end + 1
    }
    if (from < chunk.length) this.#partial.push(chunk.subarray(from))
  }

  #answer(line: Buffer): void {
    const start = line.indexOf(idField)
    if (start === -1) return
    const id = Number.parseInt(
      line.toString('latin1', start + idField.length, start + idField.length + 12),
      10,
    )
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    resolve?.(line.length)
  }
}

/** The middle value; of an even number of values the upper one of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
