// Where the app is reached over HTTP, and the token that it wants there: ports, changes of both, `patchbay token`.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { HandEvents, openByHand } from '../clients/hand-session.ts'
import { eventually } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { runPatchbay, Scratch, talkToPatchbay } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'

const servers = { echo: toServerEntry('echo.ts') }
const args = ['--port', '0']

async function takePort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const release = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return { port, release }
}

describe('the address', () => {
  it('that is taken is told with its owner, and nothing is left open', async () => {
    using scratch = new Scratch()
    const { port, release } = await takePort()
    const { code, stdout, stderr } = await runPatchbay(
      ['serve', '--data-dir', scratch.dataDir, '--port', String(port)],
      { env: scratch.env, cwd: scratch.folder },
    )
    await release()
    expect([code, stdout]).toEqual([1, ''])
    const last = stderr.trim().split('\n').at(-1)
    expect(last).toMatch(
      new RegExp(`^Port ${port} is taken by .*\\(pid ${process.pid}\\)\\. .*--port.*--no-http`),
    )
    expect(() => readFileSync(path.join(scratch.dataDir, 'rendezvous.json'))).toThrow('ENOENT')
  })

  it.each([
    ['--port', '65536'],
    ['--port', '-1'],
    ['--port', '7411x'],
    ['--auth', 'maybe'],
    ['--host', 'http://localhost'],
  ])('that is none is wrong usage: %s %s', async (...wrong) => {
    using scratch = new Scratch()
    const all = ['serve', '--data-dir', scratch.dataDir, ...wrong]
    const { code, stdout } = await runPatchbay(all, { env: scratch.env, cwd: scratch.folder })
    expect([code, stdout]).toEqual([2, ''])
  })

  it('of the configuration moves with it, and options of the command line stay', async () => {
    const [first, second] = [await takePort(), await takePort()]
    await first.release()
    await using app = await startHeadless({
      config: { servers: {}, gateway: { port: first.port } },
      args: ['--host', 'localhost'],
    })
    expect(app.ready.url).toBe(`http://127.0.0.1:${first.port}`)
    const session = await openByHand(app)
    const log = new AppLog(app.dataDir)
    const after = log.mark()
    app.writeConfig({ servers: {}, gateway: { port: second.port, host: '127.0.0.2' } })
    const told = 'HTTP goes on at the address that it had: the configured one cannot be had.'
    await log.waitFor(({ message }) => message === told, { after })
    expect((await session.post({ id: 1, method: 'ping' })).status).toBe(200)
    await second.release()
    app.writeConfig({ servers: {}, gateway: { port: second.port, host: '127.0.0.3' } })
    const url = `http://127.0.0.1:${second.port}`
    await log.waitFor((line) => line['url'] === url, { after })
    expect(readFileSync(path.join(app.dataDir, 'rendezvous.json'), 'utf8')).toContain(url)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    await expect(fetch(`${app.ready.url!}/healthz`)).rejects.toThrow()
  })

  it('is none with --no-http and with --stdio', async () => {
    const { port, release } = await takePort()
    await release()
    await using app = await startHeadless({
      config: { servers: {} },
      args: ['--no-http', '--port', String(port)],
    })
    expect(app.ready.url).toBeNull()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    using scratch = new Scratch()
    const stdio = ['serve', '--stdio', '--data-dir', scratch.dataDir, '--port', String(port)]
    const client = talkToPatchbay(stdio, { env: scratch.env, cwd: scratch.folder })
    await client.initialize()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
    client.destroy()
  })
})

describe('patchbay token', () => {
  const run = async (app: Headless, ...more: string[]): Promise<string> => {
    const { code, stdout } = await runPatchbay(['token', '--data-dir', app.dataDir, ...more], {
      env: app.env,
      cwd: app.folder,
    })
    expect(code).toBe(0)
    return stdout
  }

  it('tells the address and where the token is, and the token itself only when asked', async () => {
    await using app = await startHeadless({ config: { servers: {} }, args })
    const { token } = app
    const text = await run(app)
    expect(text).toContain(`${app.ready.url!}/mcp`)
    expect(text).toContain(path.join(app.dataDir, 'access-token'))
    expect(text).not.toContain(token)
    expect(await run(app, '--show')).toBe(`${token}\n`)
  })

  it('makes another one, which holds at once: shims come back by themselves, all others are out', async () => {
    await using app = await startHeadless({ config: { servers }, args })
    const shim = app.openShim()
    await shim.initialize()
    const session = await openByHand(app)
    const events = new HandEvents(await session.listen())
    const before = app.token
    const text = await run(app, '--renew')
    await eventually(() => app.token).not.toBe(before)
    expect(text).not.toContain(app.token)
    while ((await events.next()) !== undefined);
    expect((await session.post({ id: 1, method: 'ping' })).status).toBe(404)
    const old = await fetch(`${app.ready.url!}/mcp`, { headers: { authorization: `Bearer ${before}` } })
    expect(old.status).toBe(401)
    await eventually(async () => (await shim.request('ping')).error).toBeUndefined()
    expect((await openByHand(app)).id).toMatch(/\S/)
  })

  it('comes back when its file is spoilt', async () => {
    await using app = await startHeadless({ config: { servers: {} }, args })
    const file = path.join(app.dataDir, 'access-token')
    writeFileSync(file, '')
    await eventually(() => readFileSync(file, 'utf8').trim()).toBe(app.token)
    expect((await openByHand(app)).id).toMatch(/\S/)
  })
})
