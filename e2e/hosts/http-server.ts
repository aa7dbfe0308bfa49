// HTTP servers for tests, each a process of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import { readByteLines } from '../servers/byte-lines.ts'
import type { RecordedRequest } from '../servers/http-record.ts'
import { toObject, toText, type JsonObject } from '../servers/json-values.ts'
import { projectFolder } from './built.ts'
import { startGuard } from './guard.ts'

const bin = path.join(projectFolder, 'node_modules/.bin')

interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** A server that listens. Dispose of it. */
export class HttpServer {
  /** Its origin, `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly #process: ChildProcess
  readonly #exited: Promise<void>

  constructor(origin: string, child: ChildProcess) {
    this.origin = origin
    this.#process = child
    const endGuard = startGuard(child.pid!, '')
    this.#exited = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      child.on('exit', () => {
        resolve()
      })
    }).then(endGuard)
  }

  /** Where Streamable HTTP is. */
  get url(): string {
    return `${this.origin}/mcp`
  }

  /** Where HTTP+SSE is. */
  get sseUrl(): string {
    return `${this.origin}/sse`
  }

  get port(): number {
    return Number(new URL(this.origin).port)
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Every MCP request so far, in order; not of server-everything and proxies. */
  async readRecord(): Promise<RecordedRequest[]> {
    const response = await fetch(`${this.origin}/record`)
    return (await response.json()) as RecordedRequest[]
  }

  /** Has the server forget its sessions (`forget`), cut its standalone streams (`cut`) or take other faults (`faults`). */
  async control(wanted: JsonObject): Promise<void> {
    await fetch(`${this.origin}/control`, { method: 'POST', body: JSON.stringify(wanted) })
  }

  /** Ends it as a crash would; what was connected to it is cut. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function run({ command, args, env }: Command): { child: ChildProcess; tell: () => string } {
  const child = spawn(command, args, { env, stdio: 'pipe' })
  let said = ''
  const note = (text: string): void => {
    said = (said + text).slice(-10_000)
  }
  child.stderr.setEncoding('utf8').on('data', note)
  child.on('error', (error) => {
    note(error.message)
  })
  return { child, tell: () => said }
}

/** Starts http-echo.ts, http-faulty.ts or buffering-proxy.ts with options; the port is `options.port`, else a free one. */
export async function startHttpServer(script: string, options: JsonObject = {}): Promise<HttpServer> {
  const args = [path.join(projectFolder, 'e2e/servers', script), JSON.stringify(options)]
  const { child, tell } = run({ command: process.execPath, args, env: process.env })
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  readByteLines(child.stdout!, (line) => {
    resolve(toText(toObject(JSON.parse(line.toString('utf8')))['url']))
  })
  child.on('exit', (code) => {
    reject(new Error(`${script} exited with ${code ?? 'a signal'}.\n${tell()}`))
  })
  const origin = await withDeadline(ready, defaultDeadline, () => `${script} does not listen\n${tell()}`)
  return new HttpServer(origin, child)
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts @modelcontextprotocol/server-everything behind HTTP. */
export async function startEverything(kind: 'streamableHttp' | 'sse'): Promise<HttpServer> {
  const port = await findFreePort()
  const env = { ...process.env, PORT: String(port) }
  const command = { command: process.execPath, args: [path.join(bin, 'mcp-server-everything'), kind], env }
  const { child, tell } = run(command)
  child.stdout!.resume()
  const server = new HttpServer(`http://127.0.0.1:${port}`, child)
  const end = performance.now() + defaultDeadline
  for (;;) {
    // Any answer will do: without a session it is a refusal.
    const isThere = await fetch(`${server.origin}/mcp`).then(
      () => true,
      () => false,
    )
    if (isThere) return server
    if (child.exitCode !== null || performance.now() > end) {
      await server.stop()
      throw new Error(`server-everything does not listen.\n${tell()}`)
    }
    await delay(20)
  }
}
