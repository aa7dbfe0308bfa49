// `patchbay serve` from outside.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import { connectProcess } from '../clients/raw-client.ts'
import { eventually, time, waitForTool } from '../clients/views.ts'
import { patchbayFile, runPatchbay, Scratch, shimFile } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { findDescendants, isRunning } from '../hosts/processes.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

/** A running `serve` whose whole stdout and exit are of interest. */
class Serving {
  stdout = ''
  stderr = ''
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  readonly process: ChildProcess

  constructor(args: string[], { env, folder: cwd }: Pick<Scratch, 'env' | 'folder'>) {
    this.process = spawn(process.execPath, [patchbayFile, 'serve', ...args], { env, cwd, stdio: 'pipe' })
    this.process.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.process.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        resolve({ code, signal })
      })
    })
  }

  async waitUntilReady(): Promise<void> {
    await eventually(() => this.stdout).toContain('\n')
  }

  waitForExit(): Promise<{ code: number | null; signal: string | null }> {
    return withDeadline(this.exited, 10_000, () => `serve goes on\n${this.stderr}`)
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL')
  }
}

// A tree of three: a shell, its child that is the server, and a grandchild that would rather stay.
function toTree(): JsonObject {
  const { command, args } = toServerEntry('echo.ts') as { command: string; args: string[] }
  const grandchild = `${process.execPath} -e "process.on('SIGTERM',()=>{});process.on('SIGHUP',()=>{});setInterval(()=>{},1000)" </dev/null >/dev/null 2>&1 &`
  return { command: 'sh', args: ['-c', `${grandchild} "$@"; true`, 'sh', command, ...args] }
}

describe('the ready line', () => {
  it('is exactly one line of JSON on stdout, as documented, while servers may still be starting', async () => {
    using scratch = new Scratch()
    const servers = { echo: toServerEntry('echo.ts'), hung: toServerEntry('echo.ts', { hangAtStart: true }) }
    const config = scratch.writeServers(servers)
    using serving = new Serving(['--no-http', '--config', config, '--data-dir', scratch.dataDir], scratch)
    await serving.waitUntilReady()
    const ready = JSON.parse(serving.stdout) as JsonObject
    expect(ready).toEqual({
      ready: true,
      pid: serving.process.pid,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      socket: expect.any(String) as string,
      url: null,
      page: null,
    })
    const args = [shimFile, '--data-dir', scratch.dataDir, '--no-start']
    const client = connectProcess({ command: process.execPath, args, env: scratch.env })
    await client.initialize()
    await client.callText('echo__stderr', { text: 'noise of a server' })
    await client.close()
    serving.process.kill('SIGTERM')
    expect(await serving.waitForExit()).toEqual({ code: 0, signal: null })
    expect(serving.stdout).toMatch(/^\{[^\n]*\}\n$/)
    expect(serving.stderr).not.toBe('')
  })

  it('comes without a configuration too: there are no servers yet', async () => {
    using scratch = new Scratch()
    using serving = new Serving(['--no-http', '--data-dir', scratch.dataDir], scratch)
    await serving.waitUntilReady()
    serving.process.kill('SIGINT')
    expect(await serving.waitForExit()).toEqual({ code: 0, signal: null })
  })

  it('config.json of the data folder is the configuration without --config; PATCHBAY_HOME tells the folder', async () => {
    using scratch = new Scratch()
    scratch.write('config.json', JSON.stringify({ version: 1, servers: { mine: toServerEntry('echo.ts') } }))
    const env = { ...scratch.env, PATCHBAY_HOME: scratch.folder }
    using serving = new Serving(['--no-http'], { env, folder: scratch.folder })
    await serving.waitUntilReady()
    const client = connectProcess({ command: process.execPath, args: [shimFile], env })
    await client.initialize()
    expect(await client.callText('mine__echo', { text: 'hello' })).toBe('hello')
    await client.close()
    serving.process.kill('SIGTERM')
    expect(await serving.waitForExit()).toEqual({ code: 0, signal: null })
  })
})

describe('a second serve on the same data folder', () => {
  it('exits 1 naming the pid, and the first goes on', async () => {
    app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
    const { env, configFile, dataDir, pid } = app
    const args = ['serve', '--no-http', '--config', configFile, '--data-dir', dataDir]
    const outcome = await runPatchbay(args, { env })
    expect(outcome.code).toBe(1)
    expect(outcome.stdout).toBe('')
    expect(outcome.stderr).toMatch(new RegExp(`^[^\\n]*already running, pid ${pid}[^\\n]*\\n$`))
    const client = app.openShim()
    await client.initialize()
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
  })

  it('also when both start at once: one runs, one exits 1', async () => {
    using scratch = new Scratch()
    const args = ['--no-http', '--data-dir', scratch.dataDir]
    using one = new Serving(args, scratch)
    using two = new Serving(args, scratch)
    const { code } = await Promise.race([one.waitForExit(), two.waitForExit()])
    expect(code).toBe(1)
    const [winner, loser] = one.process.exitCode === null ? [one, two] : [two, one]
    expect(loser.stderr).toContain('already running')
    await winner.waitUntilReady()
    winner.process.kill('SIGTERM')
    expect(await winner.waitForExit()).toEqual({ code: 0, signal: null })
  })
})

describe('SIGTERM: exit 0 within 10 s, no child left', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s, with calls in flight, a hanging server and a stubborn grandchild',
    async (signal) => {
      using scratch = new Scratch()
      const servers = {
        echo: toServerEntry('echo.ts'),
        tree: toTree(),
        hung: { command: 'sleep', args: ['1000'] },
        session: toServerEntry('echo.ts', {}, { isolation: 'session' }),
      }
      const config = scratch.writeServers(servers)
      using serving = new Serving(['--no-http', '--config', config, '--data-dir', scratch.dataDir], scratch)
      await serving.waitUntilReady()
      const args = [shimFile, '--data-dir', scratch.dataDir]
      const client = connectProcess({ command: process.execPath, args, env: scratch.env })
      await client.initialize()
      for (const server of ['echo', 'tree', 'session']) await waitForTool(client, `${server}__echo`)
      const calls = ['echo', 'session'].map((server) =>
        client.request('tools/call', { name: `${server}__sleep`, arguments: { ms: 60_000 } }),
      )
      await client.callText('session__count')
      const pids = findDescendants(serving.process.pid!)
      expect(pids.length).toBeGreaterThanOrEqual(6)
      serving.process.kill(signal)
      const { value, took } = await time(() => serving.waitForExit())
      expect(value).toEqual({ code: 0, signal: null })
      expect(took).toBeLessThan(10_000)
      expect(pids.filter(isRunning)).toEqual([])
      for (const call of calls) expect((await call).error).toBeDefined()
      expect(existsSync(path.join(scratch.dataDir, 'rendezvous.json'))).toBe(false)
      client.destroy()
    },
  )

  it('servers of an app that was killed end by the end of their stdin', async () => {
    app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
    const client = app.openShim()
    await client.initialize()
    const pid = Number(await client.callText('echo__pid'))
    await app.kill()
    await eventually(() => isRunning(pid), { timeout: 5000 }).toBe(false)
  })
})

describe('trouble with stdout, stderr and ourselves', () => {
  it('goes on when the readers of its stdout and stderr are gone', async () => {
    using scratch = new Scratch()
    const config = scratch.writeServers({ echo: toServerEntry('echo.ts') })
    const args = ['--no-http', '--log-level', 'debug', '--config', config, '--data-dir', scratch.dataDir]
    using serving = new Serving(args, scratch)
    await serving.waitUntilReady()
    serving.process.stdout!.destroy()
    serving.process.stderr!.destroy()
    const shim = [shimFile, '--data-dir', scratch.dataDir, '--no-start', '--client', 'the-test']
    const client = connectProcess({ command: process.execPath, args: shim, env: scratch.env })
    await client.initialize()
    await waitForTool(client, 'echo__echo')
    const log = path.join(scratch.dataDir, 'logs/app.log')
    await eventually(() => readFileSync(log, 'utf8')).toContain('the-test')
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
    await client.close()
    serving.process.kill('SIGTERM')
    expect(await serving.waitForExit()).toEqual({ code: 0, signal: null })
    expect(readFileSync(log, 'utf8')).not.toMatch(/EPIPE|unexpected/)
  })

  it('stops with 1 at what it did not expect, and tells only the first of it', async () => {
    using scratch = new Scratch()
    const trap = scratch.write(
      'trap.mjs',
      `process.on('SIGUSR2', () => {
  for (const text of ['first', 'second']) process.nextTick(() => { throw new Error(text) })
})`,
    )
    const env = { ...scratch.env, NODE_OPTIONS: `--import ${trap}` }
    using serving = new Serving(['--no-http', '--data-dir', scratch.dataDir], { env, folder: scratch.folder })
    await serving.waitUntilReady()
    serving.process.kill('SIGUSR2')
    expect(await serving.waitForExit()).toEqual({ code: 1, signal: null })
    const log = readFileSync(path.join(scratch.dataDir, 'logs/app.log'), 'utf8')
    expect(log.match(/unexpected/g)).toHaveLength(1)
    expect(log).toContain('Error: first')
    expect(log).not.toContain('Error: second')
  })
})

describe('our own log', () => {
  it('lies in logs/app.log as JSON lines', async () => {
    app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
    const client = app.openShim({ client: 'the-test' })
    await client.initialize()
    const file = path.join(app.dataDir, 'logs/app.log')
    await eventually(() => readFileSync(file, 'utf8')).toContain('the-test')
    await app.stop()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => typeof (JSON.parse(line) as unknown))).toEqual(lines.map(() => 'object'))
    expect(lines.join('\n')).not.toContain(
      readFileSync(path.join(app.dataDir, 'access-token'), 'utf8').trim(),
    )
  })
})
