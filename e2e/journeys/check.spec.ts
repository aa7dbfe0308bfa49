// `patchbay check`, with and without --ping, --json and a running app.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
