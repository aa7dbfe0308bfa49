// A client that starts a process and speaks MCP with it on stdin and stdout.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { callStart, smallBytes, withinDeadline, type Client, type Payload } from './driver.ts'

const idField = Buffer.from('"id":')
const initialize =
  '"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}'

/** Starts a process and opens a session with it. */
export async function openStdioClient(command: readonly string[]): Promise<Client> {
  const client = new StdioClient(command)
  try {
    await withinDeadline(client.open())
  } catch (error) {
    await client.close()
    throw error
  }
  return client
}

interface Waiting {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

class StdioClient implements Client {
  firstAnswerMs = 0
  readonly #child: ChildProcess
  readonly #spawnedAt = performance.now()
  readonly #waiting = new Map<number, Waiting>()
  #partial: Buffer[] = []
  #lastId = 0

  constructor(command: readonly string[]) {
    const [program, ...args] = command
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#take(chunk)
    })
    this.#child.stdin!.on('error', (error) => {
      this.#fail(error)
    })
    this.#child.on('close', () => {
      this.#fail(new Error(`${command.join(' ')} has exited.`))
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  async open(): Promise<void> {
    const id = ++this.#lastId
    const answered = this.#expect(id, 0)
    this.#child.stdin!.write(`${callStart}${id},${initialize}\n`)
    await answered
    this.firstAnswerMs = performance.now() - this.#spawnedAt
    this.#child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  }

  widen(): Promise<void> {
    return Promise.resolve()
  }

  call({ tail, answerBytes }: Payload): Promise<void> {
    const id = String(++this.#lastId)
    const answered = this.#expect(this.#lastId, answerBytes + id.length)
    const start = Buffer.from(callStart + id, 'latin1')
    const stdin = this.#child.stdin!
    // Each call is written when it is made, as editors do it.
    if (tail.length <= smallBytes) stdin.write(Buffer.concat([start, tail]))
    else {
      stdin.cork()
      stdin.write(start)
      stdin.write(tail)
      stdin.uncork()
    }
    return answered
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.stdin!.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000)
    await exited
    clearTimeout(timer)
  }

  /** Settles with the answer; one of another length than `bytes` is wrong, unless that is 0. */
  #expect(id: number, bytes: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#waiting.set(id, {
      bytes,
      resolve: () => {
        resolve(undefined)
      },
      reject,
    })
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
    const idStart = start + idField.length
    const id = Number.parseInt(line.toString('latin1', idStart, idStart + 12), 10)
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    if (waiting.bytes === 0 || waiting.bytes === line.length) waiting.resolve()
    else waiting.reject(new Error(`This answer is not the right one: ${line.toString('utf8', 0, 300)}`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
