import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseRendezvous } from '#contract/rendezvous.ts'
import { createFakeHost } from '../testing/fake-host.ts'
import { createLogRecorder } from '../testing/log-recorder.ts'
import { patience } from '../testing/patience.ts'
import { makeScratchFolder } from '../testing/scratch-folder.ts'
import { isRunning, toScriptServer } from '../testing/script-server.ts'
import { toServerConfig, toWholeConfig } from '../testing/server-config.ts'
import { connectSocketClient } from '../testing/socket-client.ts'
import { createCore } from './create-core.ts'
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
    const socket = await core.openSocket()
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
    const socket = await core.openSocket()
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
    const socket = await first.core.openSocket()
    const second = await create(first.dataFolder)
    await expect(second.core.openSocket()).rejects.toThrow(SocketTaken)
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

  it('leaves no socket open when the rendezvous cannot be written', async () => {
    const { core, dataFolder } = await create()
    await mkdir(path.join(dataFolder, 'rendezvous.json', 'in-the-way'), { recursive: true })
    await expect(core.openSocket()).rejects.toThrow()
    await core.close()
    expect(existsSync(path.join(dataFolder, 'run', 'patchbay.sock'))).toBe(false)
  })
})
