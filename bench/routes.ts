// The three ways from a client to the server: direct, through two bare relays, through shim and app.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { startGuard } from '../e2e/hosts/guard.ts'

const root = path.resolve(import.meta.dirname, '..')
const server = [process.execPath, path.join(root, 'bench/fast-echo.mjs')]
const relay = [process.execPath, path.join(root, 'bench/relay.mjs')]
const dist = process.env['PATCHBAY_DIST'] ?? path.join(root, 'dist')

/** A way to the server: what the client starts, and what the tool is called there. */
export interface Route {
  readonly name: string
  readonly command: readonly string[]
  readonly tool: string
  readonly stop: () => Promise<void>
}

/** Starts what runs before a client comes, and waits for its first line on stdout. */
async function startBackground(folder: string, command: readonly string[]): Promise<() => Promise<void>> {
  const [program, ...args] = command
  const child: ChildProcess = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  // The log of the app belongs not into the table; it is shown when the app does not start.
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const endGuard = startGuard(child.pid!, folder)
  const exited = once(child, 'exit').finally(endGuard)
  const started = await Promise.race([once(child.stdout as Readable, 'data'), exited.then(() => null)])
  if (started === null) throw new Error(`${command.join(' ')} exited before it was ready.\n${log}`)
  return async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
  }
}

function openDirect(): Route {
  return { name: 'direct', command: server, tool: 'echo', stop: () => Promise.resolve() }
}

async function openRelays(folder: string): Promise<Route> {
  const socket = path.join(folder, 'relay.sock')
  const stop = await startBackground(folder, [...relay, 'listen', socket, ...server])
  return { name: 'relay pair', command: [...relay, 'join', socket], tool: 'echo', stop }
}

async function openProduct(folder: string): Promise<Route> {
  const [command, ...args] = server
  const config = path.join(folder, 'patchbay.json')
  const data = path.join(folder, 'data')
  writeFileSync(config, JSON.stringify({ version: 1, servers: { fast: { command, args } } }))
  const cli = path.join(dist, 'cli/patchbay.mjs')
  const serve = [cli, 'serve', '--config', config, '--data-dir', data, '--no-http']
  const stop = await startBackground(folder, [process.execPath, ...serve])
  const shim = [process.execPath, path.join(dist, 'shim/shim.mjs'), '--data-dir', data, '--no-start']
  return { name: 'shim and app', command: shim, tool: 'fast__echo', stop }
}

/** All three routes, in this order; `close` stops what they started and removes the scratch folder. */
export async function openRoutes(): Promise<{
  readonly routes: readonly Route[]
  readonly close: () => Promise<void>
}> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pb-bench-'))
  const routes: Route[] = [openDirect()]
  const close = async (): Promise<void> => {
    try {
      await Promise.all(routes.map((route) => route.stop()))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  try {
    routes.push(await openRelays(folder))
    routes.push(await openProduct(folder))
  } catch (error) {
    await close()
    throw error
  }
  return { routes, close }
}
