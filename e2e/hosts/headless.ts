// The built app without a desktop, in a scratch data folder: `patchbay serve` and shims that join it.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import type { HttpTarget } from '../clients/http-link.ts'
import { openHttpWire } from '../clients/http-wire.ts'
import { connectProcess, connectSocket, RawClient } from '../clients/raw-client.ts'
import { openSseWire } from '../clients/sse-wire.ts'
import { readByteLines } from '../servers/byte-lines.ts'
import type { JsonObject } from '../servers/json-values.ts'
import { startGuard } from './guard.ts'

const root = path.resolve(import.meta.dirname, '../..')
// An installed copy can be tested in place of the build.
const dist = process.env['PATCHBAY_DIST'] ?? path.join(root, 'dist')
const patchbay = path.join(dist, 'cli/patchbay.mjs')
const shim = path.join(dist, 'shim/shim.mjs')

/** How test clients reach the app: `shim` (which is also for those that ask for a socket), or HTTP in its two kinds. */
export type CarrierKind = 'shim' | 'http' | 'sse'

function readCarrier(): CarrierKind {
  const named = process.env['PATCHBAY_CARRIER'] ?? 'shim'
  if (named !== 'shim' && named !== 'http' && named !== 'sse')
    throw new Error(`PATCHBAY_CARRIER cannot be ${named}: it is shim, http or sse.`)
  return named
}

/** The carrier of this run (PATCHBAY_CARRIER). */
export const carrier = readCarrier()

/** What has the app listen, or not, as this run's carrier wants it. */
export const carrierArgs: readonly string[] = carrier === 'shim' ? ['--no-http'] : ['--port', '0']

/** What the app is started with. */
export interface HeadlessOptions {
  /** The configuration of interfaces.md 5; `version: 1` is added. */
  readonly config: JsonObject
  /** How it is written; json unless given. */
  readonly format?: 'json' | 'yaml'
  /** Arguments after the usual ones of `serve`; they replace `carrierArgs`. */
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Id of the user and group that the app runs as; ours unless given. */
  readonly user?: number
}

/** What the app says on stdout when clients can connect. */
export interface ReadyLine {
  readonly ready: true
  readonly pid: number
  readonly version: string
  readonly socket: string
  readonly url: string | null
  readonly page: string | null
}

/** How a shim is started. */
export interface ShimOptions {
  readonly client?: string
  readonly server?: string
  readonly profile?: string
  readonly args?: readonly string[]
}

/** A test server of e2e/servers as a server entry of the configuration. */
export function toServerEntry(script: string, options: JsonObject = {}, entry: JsonObject = {}): JsonObject {
  const args = [path.join(root, 'e2e/servers', script), JSON.stringify(options).replaceAll('${', () => '$${')]
  return { command: process.execPath, args, ...entry }
}

/** A running app. Dispose of it (`await using`, or dispose()) and nothing is left. */
export class Headless {
  readonly folder: string
  readonly dataDir: string
  readonly configFile: string
  readonly #options: HeadlessOptions
  readonly #clients = new Set<RawClient>()
  #process: ChildProcess | undefined
  #exited: Promise<number | null> = Promise.resolve(null)
  #ready: ReadyLine | undefined
  #endGuard: (() => void) | undefined
  #stderr = ''

  constructor(options: HeadlessOptions) {
    this.#options = options
    this.folder = mkdtempSync(path.join(tmpdir(), 'pb-'))
    this.dataDir = path.join(this.folder, 'data')
    this.configFile = path.join(this.folder, options.format === 'yaml' ? 'patchbay.yaml' : 'patchbay.json')
    this.writeConfig(options.config)
  }

  /** The environment of app and shims: nothing of the user's own folders. */
  get env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.folder, ...this.#options.env }
  }

  get ready(): ReadyLine {
    if (this.#ready === undefined) throw new Error('The app is not ready.')
    return this.#ready
  }

  get socket(): string {
    return this.ready.socket
  }

  get pid(): number {
    return this.ready.pid
  }

  /** The local access token, as rendezvous.json has it now. */
  get token(): string {
    const text = readFileSync(path.join(this.dataDir, 'rendezvous.json'), 'utf8')
    return (JSON.parse(text) as { token: string }).token
  }

  /** What the app said on stderr since the first start. */
  get stderr(): string {
    return this.#stderr
  }

  writeConfig(config: JsonObject): void {
    const whole = { version: 1, ...config }
    const yaml = this.#options.format === 'yaml'
    writeFileSync(this.configFile, yaml ? stringify(whole) : JSON.stringify(whole, null, 2))
  }

  /** Starts the app and waits for its ready line. */
  async start(): Promise<void> {
    const usual = [patchbay, 'serve', '--config', this.configFile, '--data-dir', this.dataDir]
    const args = [...usual, ...(this.#options.args ?? carrierArgs)]
    const { user } = this.#options
    const identity = user === undefined ? {} : { uid: user, gid: user }
    const options = { env: this.env, cwd: this.folder, stdio: 'pipe' as const, ...identity }
    const child = spawn(process.execPath, args, options)
    this.#process = child
    if (child.pid !== undefined) this.#endGuard = startGuard(child.pid, this.folder)
    const { promise: ready, resolve, reject } = Promise.withResolvers<ReadyLine>()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    readByteLines(child.stdout, (line) => {
      resolve(JSON.parse(line.toString('utf8')) as ReadyLine)
    })
    this.#exited = new Promise((done) => {
      child.on('error', reject)
      child.on('exit', (code) => {
        this.#endGuard?.()
        reject(new Error(`The app exited with ${code ?? 'a signal'} before it was ready.\n${this.#stderr}`))
        done(code)
      })
    })
    this.#ready = await withDeadline(ready, defaultDeadline, () => `no ready line\n${this.#stderr}`)
  }

  /** Asks the app to stop; fails unless it exits with 0 within 10 s. Nothing to do when it is not running. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    child.kill('SIGTERM')
    try {
      const code = await withDeadline(this.#exited, 10_000, () => `the app did not stop\n${this.#stderr}`)
      if (code !== 0) throw new Error(`The app exited with ${code ?? 'a signal'}.\n${this.#stderr}`)
    } finally {
      child.kill('SIGKILL')
      this.#process = undefined
    }
  }

  /** Ends the app as a crash would. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#exited
    this.#process = undefined
  }

  /** Stops and starts on the same data folder; shims stay. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** A client by this run's carrier: a shim that joins this app, or HTTP. */
  openShim(options: ShimOptions = {}): RawClient {
    if (carrier !== 'shim') return this.openHttp(carrier, options)
    const args = [shim, '--data-dir', this.dataDir, '--no-start']
    if (options.client !== undefined) args.push('--client', options.client)
    if (options.server !== undefined) args.push('--server', options.server)
    if (options.profile !== undefined) args.push('--profile', options.profile)
    const client = connectProcess({
      command: process.execPath,
      args: [...args, ...(options.args ?? [])],
      env: this.env,
      cwd: this.folder,
    })
    this.#clients.add(client)
    return client
  }

  /** Joins over HTTP, whatever this run's carrier is; the app must listen. Nothing is sent before the first message. */
  openHttp(kind: 'http' | 'sse', options: ShimOptions = {}): RawClient {
    const target = this.toHttpTarget(kind, options.server)
    const client = new RawClient(kind === 'http' ? openHttpWire(target) : openSseWire(target))
    this.#clients.add(client)
    return client
  }

  /** The address of the whole, or of one server, with the token; the app must listen. */
  toHttpTarget(kind: 'http' | 'sse', server?: string): HttpTarget {
    const { url } = this.ready
    if (url === null) throw new Error('The app was started without HTTP.')
    const endpoint = `${url}/${kind === 'http' ? 'mcp' : 'sse'}`
    return {
      url: server === undefined ? endpoint : `${endpoint}/servers/${server}`,
      headers: { authorization: `Bearer ${this.token}` },
    }
  }

  /** A client by this run's carrier: one that joins the socket without a shim, or HTTP. */
  async openSocket(options: ShimOptions = {}): Promise<RawClient> {
    if (carrier !== 'shim') return this.openHttp(carrier, options)
    const client = await connectSocket(this.socket, {
      patchbay: 1,
      token: this.token,
      client: { name: options.client ?? 'raw-client', pid: process.pid, cwd: this.folder },
      profile: options.profile ?? null,
      server: options.server ?? null,
    })
    this.#clients.add(client)
    return client
  }

  /** Cuts all clients, stops the app as stop() does, and removes the folder. */
  async dispose(): Promise<void> {
    try {
      for (const client of this.#clients) client.destroy()
      await this.stop()
    } finally {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

/** Starts the built app with a configuration; when it does not start, nothing is left either. */
export async function startHeadless(options: HeadlessOptions): Promise<Headless> {
  const app = new Headless(options)
  try {
    await app.start()
    return app
  } catch (error) {
    await app.kill()
    await app.dispose()
    throw error
  }
}
