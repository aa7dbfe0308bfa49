// The ways from a client to the server. What cannot be opened is told and left out.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startBackground, type Background } from './background.ts'
import { callTimes, toPayload, type Client } from './driver.ts'
import { openHttpClient, type Address } from './http-client.ts'
import { openStdioClient } from './stdio-client.ts'

const root = path.resolve(import.meta.dirname, '..')
const toCommand = (script: string): string[] => [process.execPath, path.join(root, 'bench', script)]
const server = toCommand('fast-echo.mjs')
const relay = toCommand('relay.mjs')
const dist = process.env['PATCHBAY_DIST'] ?? path.join(root, 'dist')

/** Names of the routes, as they stand in the table. */
export const routeNames = {
  direct: 'stdio',
  relay: 'relay pair',
  product: 'shim and app',
  httpDirect: 'HTTP',
  httpToStdio: 'HTTP app stdio',
  httpToHttp: 'HTTP app HTTP',
} as const

/** A way to the server. */
export interface Route {
  readonly name: string
  /** What the tool is called there. */
  readonly tool: string
  readonly openClient: () => Promise<Client>
  /** The processes between client and server while a client is open. */
  readonly findPids: (client: Client) => readonly number[]
}

/** All routes that could be opened; `close` stops what they started and removes the scratch folder. */
export interface Routes {
  readonly routes: readonly Route[]
  /** Sentences about routes that could not be opened. */
  readonly missing: readonly string[]
  readonly close: () => Promise<void>
}

class Opening {
  readonly routes: Route[] = []
  readonly missing: string[] = []
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pb-bench-'))
  readonly #running: Background[] = []

  /** Adds a route once it has carried an answer. */
  async add(name: string, open: () => Promise<Omit<Route, 'name'>> | Omit<Route, 'name'>): Promise<void> {
    try {
      const route = { name, ...(await open()) }
      const client = await route.openClient()
      await callTimes(client, toPayload(route.tool, 10), 1).finally(() => client.close())
      this.routes.push(route)
    } catch (error) {
      this.missing.push(`${name}: ${error instanceof Error ? error.message.trim() : String(error)}`)
    }
  }

  async openRelays(): Promise<Omit<Route, 'name'>> {
    const socket = path.join(this.#folder, 'relay.sock')
    const listener = await this.#start([...relay, 'listen', socket, ...server])
    return {
      tool: 'echo',
      openClient: () => openStdioClient([...relay, 'join', socket]),
      findPids: (client) => [listener.pid, client.pid!],
    }
  }

  /** The HTTP server of the benchmark; gives its address. */
  async startHttpServer(): Promise<Address> {
    const { firstLine } = await this.#start(toCommand('fast-http-echo.mjs'))
    return { url: firstLine }
  }

  /** An app with one server. */
  async startApp(name: string, server: object): Promise<App> {
    const folder = path.join(this.#folder, name)
    mkdirSync(folder)
    const config = path.join(folder, 'patchbay.json')
    writeFileSync(config, JSON.stringify({ version: 1, servers: { fast: server } }))
    const data = path.join(folder, 'data')
    const cli = path.join(dist, 'cli/patchbay.mjs')
    const args = [cli, 'serve', '--config', config, '--data-dir', data, '--port', '0']
    const { pid, firstLine } = await this.#start([process.execPath, ...args])
    const { url } = JSON.parse(firstLine) as { url: string | null }
    const rendezvous = readFileSync(path.join(data, 'rendezvous.json'), 'utf8')
    const { token } = JSON.parse(rendezvous) as { token: string }
    return { pid, data, address: url === null ? undefined : { url: new URL('/mcp', url).href, token } }
  }

  readonly close = async (): Promise<void> => {
    try {
      await Promise.all(this.#running.map((background) => background.stop()))
    } finally {
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  async #start(command: readonly string[]): Promise<Background> {
    const background = await startBackground(this.#folder, command)
    this.#running.push(background)
    return background
  }
}

interface App {
  readonly pid: number
  readonly data: string
  /** None without HTTP. */
  readonly address: Address | undefined
}

function toShimRoute({ pid, data }: App): Omit<Route, 'name'> {
  const shim = [process.execPath, path.join(dist, 'shim/shim.mjs'), '--data-dir', data, '--no-start']
  return {
    tool: 'fast__echo',
    openClient: () => openStdioClient(shim),
    findPids: (client) => [pid, client.pid!],
  }
}

function toHttpRoute({ pid, address }: App): Omit<Route, 'name'> {
  if (address === undefined) throw new Error('The app has no HTTP address.')
  return { tool: 'fast__echo', openClient: () => openHttpClient(address), findPids: () => [pid] }
}

/** Opens what can be opened, in the order of the names. */
export async function openRoutes(): Promise<Routes> {
  const opening = new Opening()
  const [command, ...args] = server
  try {
    await opening.add(routeNames.direct, () => ({
      tool: 'echo',
      openClient: () => openStdioClient(server),
      findPids: () => [],
    }))
    await opening.add(routeNames.relay, () => opening.openRelays())
    const app = opening.startApp('stdio', { command, args })
    await opening.add(routeNames.product, async () => toShimRoute(await app))
    const address = await opening.startHttpServer()
    await opening.add(routeNames.httpDirect, () => ({
      tool: 'echo',
      openClient: () => openHttpClient(address),
      findPids: () => [],
    }))
    await opening.add(routeNames.httpToStdio, async () => toHttpRoute(await app))
    const remote = { type: 'http', url: address.url }
    await opening.add(routeNames.httpToHttp, async () => toHttpRoute(await opening.startApp('http', remote)))
  } catch (error) {
    await opening.close()
    throw error
  }
  return opening
}
