import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished, vi } from 'vitest'
import type { Config, GatewaySettings, ServerConfig } from '#core/config/config.ts'
import { createLogger, type LogEntry } from '#core/observe/logger.ts'
import { Router } from '#core/router/router.ts'
import type { ServerPool } from '#core/upstream/server-pool.ts'
import { MemoryClient } from './memory-client.ts'
import { ScriptedServer, toTool, type ServerLife, type ServerScript } from './scripted-server.ts'
import { toServerConfig, toWholeConfig } from './server-config.ts'
import { createUpstreamContext } from './upstream-context.ts'

/** A server on the bench: its configuration and how it behaves. */
export interface BenchServer {
  readonly script?: ServerScript
  readonly config?: Partial<ServerConfig>
}

/** What is on the bench. */
export interface BenchOptions {
  /** By name, in the order of the configuration. */
  readonly servers: Readonly<Record<string, BenchServer>>
  readonly gateway?: Partial<GatewaySettings>
  /** The data folder of an earlier bench, to begin with what that one remembered. */
  readonly dataFolder?: string
}

const main = path.join(import.meta.dirname, 'scripted-server-main.ts')

/** A router between clients in memory and server processes that the test plays by hand. */
export class RouterBench {
  readonly router: Router
  readonly dataFolder: string
  readonly log: LogEntry[] = []
  /** The configuration that the bench began with. */
  readonly config: Config
  readonly #servers: ReadonlyMap<string, ScriptedServer>
  #nextClient = 1

  constructor(options: BenchOptions, dataFolder: string, hub: Server) {
    const { port } = hub.address() as AddressInfo
    this.dataFolder = dataFolder
    const entries = Object.entries(options.servers)
    this.#servers = new Map(
      entries.map(([name, { script }]) => [name, new ScriptedServer(name, script ?? {})]),
    )
    hub.on('connection', (socket) => {
      this.#welcome(socket)
    })
    const configs = entries.map(([name, { config }]) => toConfig(name, port, config))
    this.config = toWholeConfig(configs, options.gateway)
    const logger = createLogger([(entry) => this.log.push(entry)])
    this.router = new Router(this.config, createUpstreamContext(dataFolder, logger))
  }

  /** Starts the servers and waits until their lists are known. */
  async start(): Promise<this> {
    this.router.start()
    await Promise.all(this.router.pools.flatMap(({ upstreams }) => upstreams.map((one) => one.whenListed())))
    return this
  }

  server(name: string): ScriptedServer {
    const server = this.#servers.get(name)
    if (server === undefined) throw new Error(`There is no server ${name} on the bench.`)
    return server
  }

  pool(name: string): ServerPool {
    const pool = this.router.pools.find((one) => one.server.name === name)
    if (pool === undefined) throw new Error(`There is no pool ${name}.`)
    return pool
  }

  /** A client that has said nothing yet; of the whole, unless `server` names one. */
  connect(server?: string): MemoryClient {
    const name = `client-${this.#nextClient++}`
    return new MemoryClient(name, (port) => this.router.connect({ name, server, port }))
  }

  /** A client with an open session. */
  async open(capabilities = '{}', server?: string): Promise<MemoryClient> {
    const client = this.connect(server)
    await client.open(capabilities)
    return client
  }

  /** Waits until a server is in a state. */
  async until(name: string, state: string): Promise<void> {
    await waitUntil(`${name} is ${state}`, () => this.pool(name).stateFor(-1).state === state)
  }

  #welcome(socket: Socket): void {
    // The connection ends when the process does, in whatever way.
    socket.on('error', () => undefined)
    let first = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      first = Buffer.concat([first, chunk])
      const end = first.indexOf(10)
      if (end === -1) return
      socket.off('data', onData)
      const server = this.server(first.toString('utf8', 0, end))
      if (server.script.isBroken === true) {
        socket.end()
        return
      }
      const life = server.begin(socket)
      socket.on('data', (more: Buffer) => {
        life.feed(more)
      })
      life.feed(first.subarray(end + 1))
    }
    socket.on('data', onData)
  }
}

/** Sets a bench up; it is taken down when the test is over. Servers are not started yet. */
export async function openBench(options: BenchOptions): Promise<RouterBench> {
  const dataFolder = options.dataFolder ?? (await mkdtemp(path.join(tmpdir(), 'patchbay-bench-')))
  const hub = createServer()
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve))
  const bench = new RouterBench(options, dataFolder, hub)
  onTestFinished(async () => {
    await bench.router.close()
    hub.close()
    await rm(dataFolder, { recursive: true, force: true })
  })
  return bench
}

/** The bench's first configuration with other servers in it. */
export function withServers(
  { config }: RouterBench,
  changes: Readonly<Record<string, Partial<ServerConfig>>>,
  gateway: Partial<GatewaySettings> = {},
): Config {
  return {
    ...config,
    servers: config.servers.map((server) => ({ ...server, ...changes[server.name] })),
    gateway: { ...config.gateway, ...gateway },
  }
}

/** A server of the bench, started in another way. */
export function restarted({ config }: RouterBench, name: string): Partial<ServerConfig> {
  const server = config.servers.find((one) => one.name === name)
  if (server === undefined) throw new Error(`There is no server ${name} on the bench.`)
  const { transport } = server
  if (transport.type !== 'stdio') throw new Error(`The server ${name} is no program.`)
  return { transport: { ...transport, env: { ...transport.env, NEWS: '1' } } }
}

/** Waits for a condition that nothing tells of. */
export async function waitUntil(what: string, isSo: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      if (!isSo()) throw new Error(`It did not come about that ${what}.`)
    },
    { timeout: 4000, interval: 2 },
  )
}

function toConfig(name: string, port: number, own: Partial<ServerConfig> = {}): ServerConfig {
  const transport = {
    type: 'stdio',
    command: process.execPath,
    args: [main],
    env: { BENCH_PORT: String(port), BENCH_SERVER: name },
  } as const
  const usual = {
    name,
    restart: { enabled: true, max: 5, windowSeconds: 300, delayMs: 1, maxDelayMs: 1, jitter: false },
    timeouts: { connectSeconds: 10, requestSeconds: 10, resetOnProgress: true },
  }
  return { ...toServerConfig(transport), ...usual, ...own }
}

/** One server, one client with an open session, and the process between them. */
export interface BenchPair {
  readonly bench: RouterBench
  readonly client: MemoryClient
  readonly life: ServerLife
}

/** A bench with the running server `s`, which has the tool `echo`, and a client. */
export async function openPair(
  server: BenchServer = {},
  capabilities = '{}',
  gateway: Partial<GatewaySettings> = {},
): Promise<BenchPair> {
  const script = { tools: [toTool('echo')], ...server.script }
  const bench = await openBench({ servers: { s: { ...server, script } }, gateway })
  await bench.start()
  const life = await bench.server('s').nextLife()
  return { bench, life, client: await bench.open(capabilities) }
}

/** Waits until a server has read all that was sent to it, and the client all that the server had sent. */
export async function passThrough({ client, life }: Pick<BenchPair, 'client' | 'life'>): Promise<void> {
  const answer = client.call('s__echo', '{"pass":"through"}')
  life.reply(await life.inbox.take('the call through', ({ text }) => text.includes('{"pass":"through"}')))
  await answer
}

/** A server with the tool `echo` and the resource `x://1`. */
export const echoServer = {
  script: { tools: [toTool('echo')], resources: ['{"uri":"x://1","name":"1"}'] },
} satisfies BenchServer

/** A bench with two such servers, `a` and `b`, both of which run, and a client. */
export async function openEchoes() {
  const bench = await openBench({ servers: { a: echoServer, b: echoServer } })
  await bench.start()
  const [a, b] = [await bench.server('a').nextLife(), await bench.server('b').nextLife()]
  return { bench, a, b, client: await bench.open() }
}
