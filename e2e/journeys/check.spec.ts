// `patchbay check`, with and without --ping, --json and a running app.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import { eventually } from '../clients/views.ts'
import { patchbayFile, runPatchbay, Scratch, type Outcome } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import { findDescendants, isRunning } from '../hosts/processes.ts'
import { existsSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

function check(scratch: Scratch, servers: JsonObject, ...args: string[]): Promise<Outcome> {
  const config = scratch.writeServers(servers)
  return runPatchbay(['check', '--config', config, '--data-dir', scratch.dataDir, ...args], scratch)
}

/** A server over HTTP that knows nothing but `initialize` and `ping`; it notes what it was sent. */
class TinyHttpServer {
  readonly requests: { method: string; authorization: string | undefined }[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(body)
      })
    })
  }

  static async start(): Promise<TinyHttpServer> {
    const tiny = new TinyHttpServer()
    await once(tiny.#server.listen(0, '127.0.0.1'), 'listening')
    return tiny
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body?: string }> {
    if (request.method !== 'POST') return { status: 405 }
    const chunks = await request.toArray()
    const { id, method } = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as JsonObject
    const { authorization } = request.headers
    this.requests.push({ method: String(method), authorization })
    if (id === undefined) return { status: 202 }
    const serverInfo = { name: 'tiny', version: '1' }
    const opened = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo }
    const result = method === 'initialize' ? opened : {}
    return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', id, result }) }
  }
}

const missing = { command: '/nowhere/no-such-command', restart: { enabled: false } }

describe('check', () => {
  it('validates; exit 0 when all is well, and starts nothing', async () => {
    using scratch = new Scratch()
    using moody = new MoodyServer('echo.ts')
    const { code, stdout, stderr } = await check(scratch, { moody: moody.toEntry() })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('1 server')
    expect(moody.starts).toBe(0)
    expect(existsSync(scratch.dataDir)).toBe(false)
  })

  it('--json tells it as one JSON value', async () => {
    using scratch = new Scratch()
    const good = await check(scratch, { echo: toServerEntry('echo.ts') }, '--json')
    expect(good.code).toBe(0)
    expect(JSON.parse(good.stdout)).toMatchObject({ ok: true, problems: [] })
    const bad = await check(scratch, { echo: { commando: 'x' } }, '--json')
    expect(bad.code).toBe(1)
    const report = JSON.parse(bad.stdout) as { ok: boolean; problems: JsonObject[] }
    expect(report.ok).toBe(false)
    expect(report.problems[0]).toMatchObject({ line: expect.any(Number) as number })
    expect(JSON.stringify(report.problems)).toContain('commando')
  })
})

describe('check of servers behind addresses', () => {
  const servers = {
    docs: { url: 'https://example.com/mcp?api_key=hush', headers: { Authorization: 'Bearer hush' } },
    old: { type: 'sse', url: 'http://127.0.0.1:1/sse', enabled: false },
    files: { command: 'node', args: ['--token', 'hush'], env: { TOKEN: 'hush' } },
  }

  it('says how each is reached, and no secret', async () => {
    using scratch = new Scratch()
    const { code, stdout, stderr } = await check(scratch, servers)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(
      '  docs: http, https://example.com/mcp\n  old: sse, http://127.0.0.1:1/sse (switched off)\n  files: stdio, node\n',
    )
    expect(stdout).not.toContain('hush')
  })

  it('says so as JSON, too', async () => {
    using scratch = new Scratch()
    const { code, stdout } = await check(scratch, servers, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      configured: [
        { name: 'docs', enabled: true, type: 'http', url: 'https://example.com/mcp' },
        { name: 'old', enabled: false, type: 'sse', url: 'http://127.0.0.1:1/sse' },
        { name: 'files', enabled: true, type: 'stdio', command: 'node' },
      ],
      servers: [],
    })
    expect(stdout).not.toContain('hush')
  })

  it('tells file, line and key of what could not be sent or would leave the gateway open', async () => {
    using scratch = new Scratch()
    const text =
      'version: 1\nservers:\n  a:\n    url: https://me:hush@example.com/\ngateway: { host: 0.0.0.0, auth: none }\n'
    const config = scratch.write('patchbay.yaml', text)
    const args = ['check', '--config', config, '--data-dir', scratch.dataDir]
    const { code, stdout } = await runPatchbay(args, scratch)
    expect(code).toBe(1)
    expect(stdout).toMatch(/patchbay\.yaml:4:10 servers\.a\.url: Expected an address/)
    expect(stdout).toMatch(/patchbay\.yaml:5:\d+ gateway\.auth: Expected token/)
    expect(stdout).not.toContain('hush')
  })

  it('--ping reaches them, with their headers', async () => {
    using scratch = new Scratch()
    await using tiny = await TinyHttpServer.start()
    const lost = {
      url: 'http://127.0.0.1:1/mcp',
      headers: { Authorization: 'hush' },
      restart: { enabled: false },
    }
    const headers = { Authorization: 'Bearer hush' }
    const good = await check(scratch, { tiny: { url: tiny.url, headers } }, '--ping')
    expect([good.code, good.stderr]).toEqual([0, ''])
    expect(good.stdout).toMatch(/^tiny: answered in \d+ ms\.$/m)
    expect(tiny.requests.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'ping',
    ])
    expect(new Set(tiny.requests.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hush']))
    const bad = await check(scratch, { tiny: { url: tiny.url }, lost }, '--ping')
    expect(bad.code).toBe(1)
    expect(bad.stdout).toMatch(/^lost: /m)
    expect(bad.stdout).toMatch(/^tiny: answered/m)
    expect(bad.stdout + bad.stderr).not.toContain('hush')
  })
})

describe('check --ping without a running app', () => {
  it('reaches every server that is switched on, and leaves none running', async () => {
    using scratch = new Scratch()
    using moody = new MoodyServer('echo.ts')
    const servers = {
      moody: moody.toEntry(),
      echo: toServerEntry('echo.ts'),
      off: { ...missing, enabled: false },
    }
    const { code, stdout } = await check(scratch, servers, '--ping')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^moody: /m)
    expect(stdout).toMatch(/^echo: /m)
    expect(stdout).not.toMatch(/^off: /m)
    expect(moody.starts).toBe(1)
  })

  it('exits 1 when one cannot be reached, and says which and why', async () => {
    using scratch = new Scratch()
    const servers = {
      echo: toServerEntry('echo.ts'),
      lost: missing,
      dying: toServerEntry('echo.ts', { exitAtStart: 3 }),
      hung: toServerEntry('echo.ts', { hangAtStart: true }, { timeouts: { connectSeconds: 1 } }),
    }
    const { code, stdout } = await check(scratch, servers, '--ping', '--json')
    expect(code).toBe(1)
    const report = JSON.parse(stdout) as {
      ok: boolean
      servers: { name: string; ok: boolean; message?: string }[]
    }
    expect(report.ok).toBe(false)
    const byName = Object.fromEntries(report.servers.map((server) => [server.name, server]))
    expect(byName['echo']).toMatchObject({ ok: true })
    expect(byName['lost']?.message).toContain('/nowhere/no-such-command')
    expect(byName['dying']?.message).toMatch(/dying.*3/)
    expect(byName['hung']?.message).toContain('hung')
  })
})

describe('check --ping that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s: exits 1 with a sentence, and leaves no server behind',
    async (signal) => {
      using scratch = new Scratch()
      // Neither the end of its stdin nor a polite signal ends it.
      const stubborn = 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'
      const config = scratch.writeServers({
        hung: { command: process.execPath, args: ['-e', stubborn] },
        echo: toServerEntry('echo.ts'),
      })
      const args = [patchbayFile, 'check', '--ping', '--config', config, '--data-dir', scratch.dataDir]
      const child = spawn(process.execPath, args, { env: scratch.env, cwd: scratch.folder, stdio: 'pipe' })
      let pids: number[] = []
      try {
        const [closed, output] = [once(child, 'close'), { stdout: '', stderr: '' }]
        child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
        child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
        await eventually(() => output.stdout).toMatch(/^echo: answered/m)
        pids = findDescendants(child.pid!)
        expect(pids.length).toBeGreaterThanOrEqual(2)
        child.kill(signal)
        const exit = await withDeadline(closed, defaultDeadline, () => `check goes on\n${output.stderr}`)
        expect(exit).toEqual([1, null])
        expect(output.stderr).toBe(`Stopped by ${signal} before every server was reached.\n`)
        expect(output.stdout).not.toMatch(/^hung/m)
        expect(pids.filter(isRunning)).toEqual([])
      } finally {
        child.kill('SIGKILL')
        for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL')
      }
    },
  )
})

describe('check --ping with a running app', () => {
  it('goes through it: no second copies', async () => {
    using moody = new MoodyServer('echo.ts')
    using session = new MoodyServer('asker.ts')
    app = await startHeadless({
      config: { servers: { moody: moody.toEntry(), asker: session.toEntry({ isolation: 'auto' }) } },
    })
    await eventually(() => moody.starts + session.starts).toBe(2)
    const args = ['check', '--ping', '--config', app.configFile, '--data-dir', app.dataDir]
    const { code, stdout } = await runPatchbay(args, app)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^moody: /m)
    expect(stdout).toMatch(/^asker: /m)
    expect(moody.starts + session.starts).toBe(2)
  })

  it('goes through it, too, where its configuration is named by another path', async () => {
    using moody = new MoodyServer('echo.ts')
    using scratch = new Scratch()
    app = await startHeadless({ config: { servers: { moody: moody.toEntry() } } })
    await eventually(() => moody.starts).toBe(1)
    const link = path.join(scratch.folder, 'link')
    symlinkSync(path.dirname(app.configFile), link)
    const config = path.join(link, path.basename(app.configFile))
    const { code, stdout } = await runPatchbay(
      ['check', '--ping', '--config', config, '--data-dir', app.dataDir],
      app,
    )
    expect(code).toBe(0)
    expect(stdout).not.toContain('another configuration')
    expect(moody.starts).toBe(1)
  })

  it('tells the state of a server that is down', async () => {
    app = await startHeadless({ config: { servers: { lost: missing, echo: toServerEntry('echo.ts') } } })
    const args = ['check', '--ping', '--json', '--config', app.configFile, '--data-dir', app.dataDir]
    const { code, stdout } = await runPatchbay(args, app)
    expect(code).toBe(1)
    const { servers } = JSON.parse(stdout) as { servers: JsonObject[] }
    const lost = servers.find((server) => server['name'] === 'lost')
    expect(lost).toMatchObject({ ok: false })
    expect(lost?.['message']).toContain('lost')
  })

  it('a server that has died since it was last known is not well', async () => {
    using moody = new MoodyServer('echo.ts')
    app = await startHeadless({
      config: { servers: { moody: moody.toEntry({ restart: { enabled: false } }) } },
    })
    const client = app.openShim()
    await client.initialize()
    await client.request('tools/call', { name: 'moody__crash' })
    const args = ['check', '--ping', '--config', app.configFile, '--data-dir', app.dataDir]
    const { code, stdout } = await runPatchbay(args, app)
    expect(code).toBe(1)
    expect(stdout).toMatch(/moody.*stopped/)
  })
})
