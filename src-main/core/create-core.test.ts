import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseRendezvous, type Rendezvous } from '#contract/rendezvous.ts'
import { createFakeHost } from '../testing/fake-host.ts'
import { createLogRecorder } from '../testing/log-recorder.ts'
import { patience } from '../testing/patience.ts'
import { makeScratchFolder } from '../testing/scratch-folder.ts'
import { isRunning, toScriptServer } from '../testing/script-server.ts'
import { toServerConfig, toWholeConfig } from '../testing/server-config.ts'
import { connectSocketClient } from '../testing/socket-client.ts'
import { createCore } from './create-core.ts'
import { renewAccessToken } from './gateway/access-token.ts'
import { PortTaken } from './gateway/http/listener/listener.ts'
import { SocketTaken } from './gateway/socket-endpoint.ts'

// Tells its process id in the name of its only tool.
const transport = toScriptServer(`
  function onMessage(message) {
    if (message.method === 'initialize') answer(message, { ...opening, capabilities: { tools: {} } })
    if (message.method === 'tools/list') answer(message, { tools: [{ name: 'pid-' + process.pid }] })
  }
`)

const config = toWholeConfig([
  toServerConfig(transport, { name: 'one' }),
  toServerConfig(transport, { name: 'off', enabled: false }),
])

async function create(given?: string, runtimeFolder?: string) {
  const dataFolder = given ?? (await makeScratchFolder())
  const env = { ...createFakeHost(dataFolder).env, XDG_RUNTIME_DIR: runtimeFolder }
  const { logger, entries } = createLogRecorder()
  const core = createCore(config, createFakeHost(dataFolder, { env }), logger)
  onTestFinished(() => core.close())
  return { core, dataFolder, entries }
}

async function readTold(dataFolder: string): Promise<Rendezvous> {
  return parseRendezvous(await readFile(path.join(dataFolder, 'rendezvous.json'), 'utf8'))
}

/** A port that nobody listens on. */
async function takeFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
const listTools = { jsonrpc: '2.0', id: 2, method: 'tools/list' }

/** Waits until the core knows its server's tool and gives the process id in it. */
function untilListed(core: ReturnType<typeof createCore>): Promise<number> {
  return vi.waitFor(() => {
    const [tool] = core.pools[0]!.listsFor(0).tools
    return Number(/^pid-(\d+)$/.exec(tool!.key)![1])
  }, patience)
}

describe('the core', { timeout: 30_000 }, () => {
  it('has a pool for each enabled server and starts nothing by itself', async () => {
    const { core, dataFolder } = await create()
    expect(core.pools.map(({ server }) => server.name)).toEqual(['one'])
    expect(core.pools[0]?.upstreams).toEqual([])
    expect(existsSync(path.join(dataFolder, 'rendezvous.json'))).toBe(false)
  })

  it('tells clients by the rendezvous where it is, lets them in, and leaves nothing behind', async () => {
    const { core, dataFolder } = await create()
    await core.recall()
    await core.startServers()
    const { socket } = await core.open({ isHttp: false })
    expect(socket).toBe(path.join(dataFolder, 'run', 'patchbay.sock'))
    const file = path.join(dataFolder, 'rendezvous.json')
    const rendezvous = parseRendezvous(await readFile(file, 'utf8'))
    expect(rendezvous).toMatchObject({ socket, pid: process.pid, url: null, appVersion: '0.0.0-test' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const pid = await untilListed(core)
    const client = await connectSocketClient(socket)
    client.send({
      patchbay: 1,
      token: rendezvous.token,
      client: { name: 'test' },
      profile: null,
      server: null,
    })
    client.send(initialize)
    client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    client.send(listTools)
    expect(await client.line(2)).toMatchObject({ id: 2, result: { tools: [{ name: `one__pid-${pid}` }] } })
    await core.close()
    await client.untilClosed()
    expect([existsSync(file), existsSync(socket), isRunning(pid)]).toEqual([false, false, false])
    expect((await readFile(path.join(dataFolder, 'access-token'), 'utf8')).trim()).toBe(rendezvous.token)
  })

  it('opens its socket in the runtime folder where there is one', async () => {
    const runtimeFolder = await makeScratchFolder()
    const { core } = await create(undefined, runtimeFolder)
    const { socket } = await core.open({ isHttp: false })
    expect(path.dirname(socket)).toBe(path.join(runtimeFolder, 'patchbay'))
    await connectSocketClient(socket)
  })

  it('serves a client on streams', async () => {
    const { core } = await create()
    const [input, output] = [new PassThrough(), new PassThrough()]
    const served = core.serveStdio(input, output)
    input.write(`${JSON.stringify(initialize)}\n`)
    const [line] = (await once(output, 'data')) as [Buffer]
    expect(JSON.parse(line.toString())).toMatchObject({ id: 1, result: { serverInfo: { name: 'patchbay' } } })
    input.end()
    await served
  })

  it('knows at once what its servers offered when it last ran', async () => {
    const first = await create()
    await first.core.startServers()
    const pid = await untilListed(first.core)
    await first.core.close()
    const second = await create(first.dataFolder)
    await second.core.recall()
    expect(second.core.pools[0]?.listsFor(0).tools.map(({ key }) => key)).toEqual([`pid-${pid}`])
  })

  it('leaves socket and rendezvous to the app that has them already', async () => {
    const first = await create()
    const { socket } = await first.core.open({ isHttp: false })
    const second = await create(first.dataFolder)
    await expect(second.core.open({ isHttp: false })).rejects.toThrow(SocketTaken)
    await second.core.close()
    expect(existsSync(path.join(first.dataFolder, 'rendezvous.json'))).toBe(true)
    await connectSocketClient(socket)
  })

  it('goes over to other configurations, one after the other, whatever becomes of one of them', async () => {
    const { core, dataFolder } = await create()
    await core.startServers()
    const [one] = config.servers
    const two = { ...config, servers: [{ ...one!, name: 'two' }], logs: { maxBytes: 10_000, keepDays: 1 } }
    // Something that no configuration that was read can be.
    const broken = { ...config, servers: [null] } as unknown as typeof config
    const outcomes = [core.apply(two), core.apply(broken), core.apply(config)]
    await expect(outcomes[1]).rejects.toThrow(TypeError)
    await Promise.all([outcomes[0], outcomes[2]])
    expect(core.pools.map(({ server }) => server.name)).toEqual(['one'])
    await untilListed(core)
    expect(existsSync(path.join(dataFolder, 'run', 'children'))).toBe(true)
  })

  it('checks its servers when the computer slept', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { entries } = await create()
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(2000)
    expect(entries.map(({ message }) => message)).toContain('The computer slept; every server is checked.')
  })

  it('is reached over HTTP as well, where the rendezvous says', async () => {
    const { core, dataFolder } = await create()
    const { url } = await core.open({ isHttp: true, overrides: { port: 0 } })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await readTold(dataFolder)).toMatchObject({ url })
    expect((await fetch(`${url ?? ''}/healthz`)).status).toBe(200)
    await core.close()
    await expect(fetch(`${url ?? ''}/healthz`)).rejects.toThrow()
  })

  it('opens nothing at all when its port is taken', async () => {
    const first = await create()
    const { url } = await first.core.open({ isHttp: true, overrides: { port: 0 } })
    const second = await create()
    const port = Number(new URL(url ?? '').port)
    await expect(second.core.open({ isHttp: true, overrides: { port } })).rejects.toThrow(PortTaken)
    expect(existsSync(path.join(second.dataFolder, 'rendezvous.json'))).toBe(false)
    expect(existsSync(path.join(second.dataFolder, 'run', 'patchbay.sock'))).toBe(false)
    // It can do without.
    expect((await second.core.open({ isHttp: false })).url).toBeNull()
  })

  it('moves to another port with its configuration, and tells so', async () => {
    const { core, dataFolder, entries } = await create()
    const first = await takeFreePort()
    await core.apply({ ...config, gateway: { ...config.gateway, port: first } })
    const opened = await core.open({ isHttp: true, overrides: { host: 'localhost' } })
    const before = opened.url
    expect(before).toBe(`http://127.0.0.1:${first}`)
    await core.apply({
      ...config,
      gateway: { ...config.gateway, port: await takeFreePort(), allowedHosts: ['box.local'] },
    })
    expect(opened.url).not.toBe(before)
    expect(await readTold(dataFolder)).toMatchObject({ url: opened.url })
    const moved = opened.url
    const taken = Number(
      new URL((await (await create()).core.open({ isHttp: true, overrides: { port: 0 } })).url ?? '').port,
    )
    await core.apply({ ...config, gateway: { ...config.gateway, port: taken } })
    expect(opened.url).toBe(moved)
    expect(entries.at(-1)).toMatchObject({
      level: 'error',
      message: 'HTTP goes on at the address that it had: the configured one cannot be had.',
    })
    expect((await fetch(`${moved ?? ''}/healthz`)).status).toBe(200)
  })

  it('goes over to another access token while it runs', async () => {
    const { core, dataFolder } = await create()
    const { socket, url } = await core.open({ isHttp: true, overrides: { port: 0 } })
    const old = (await readTold(dataFolder)).token
    const client = await connectSocketClient(socket)
    const hello = (token: string) => ({ patchbay: 1, token, client: { name: 'test' } })
    client.send(hello(old))
    await client.line(0)
    const token = await renewAccessToken(dataFolder)
    await client.untilClosed()
    expect(await readTold(dataFolder)).toMatchObject({ token, url })
    const [late, next] = [await connectSocketClient(socket), await connectSocketClient(socket)]
    late.send(hello(old))
    next.send(hello(token))
    expect(await late.line(0)).toMatchObject({ ok: false, code: 'bad-token' })
    expect(await next.line(0)).toEqual({ patchbay: 1, ok: true })
    const status = async (bearer: string): Promise<number> =>
      (await fetch(`${url ?? ''}/mcp`, { headers: { authorization: `Bearer ${bearer}` } })).status
    expect([await status(old), await status(token)]).toEqual([401, 400])
  })

  it('leaves no socket open when the rendezvous cannot be written', async () => {
    const { core, dataFolder } = await create()
    await mkdir(path.join(dataFolder, 'rendezvous.json', 'in-the-way'), { recursive: true })
    await expect(core.open({ isHttp: false })).rejects.toThrow()
    await core.close()
    expect(existsSync(path.join(dataFolder, 'run', 'patchbay.sock'))).toBe(false)
  })
})
