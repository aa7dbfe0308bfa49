import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { plainScript, toScriptServer } from '../../testing/script-server.ts'
import { toServerConfig, toWholeConfig } from '../../testing/server-config.ts'
import { connectSocketClient } from '../../testing/socket-client.ts'
import { createUpstreamContext } from '../../testing/upstream-context.ts'
import { Router } from '../router/router.ts'
import { AccessToken } from './access-token.ts'
import { openSocketEndpoint, SocketTaken } from './socket-endpoint.ts'
import { WrongTokens } from './wrong-tokens.ts'

const token = 't'.repeat(43)

async function open(given?: string) {
  const folder = await makeScratchFolder()
  const socket = given ?? path.join(folder, 'run', 'patchbay.sock')
  const { logger, entries } = createLogRecorder()
  const limits = { messageBytes: 1_000_000, bodyBytes: 1_000_000 }
  const config = toWholeConfig([toServerConfig(toScriptServer(plainScript), { name: 'files' })])
  const router = new Router(config, createUpstreamContext(folder, logger))
  const platform = process.platform
  const endpoint = await openSocketEndpoint({
    socket,
    platform,
    token: new AccessToken(token),
    wrongTokens: new WrongTokens(logger),
    limits,
    router,
    logger,
  })
  onTestFinished(async () => {
    await endpoint.close()
    await router.close()
  })
  return { socket, endpoint, entries, connect: () => connectSocketClient(socket) }
}

const hello = (changes: object = {}) => ({ patchbay: 1, token, client: { name: 'test', pid: 1 }, ...changes })
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

afterEach(() => {
  vi.useRealTimers()
})

describe('opening the socket', { timeout: 20_000 }, () => {
  it('lets only this user reach it', async () => {
    const { socket } = await open()
    expect((await stat(path.dirname(socket))).mode & 0o777).toBe(0o700)
    expect((await stat(socket)).mode & 0o777).toBe(0o600)
  })

  it('leaves the socket alone that another app answers on', async () => {
    const { socket, connect } = await open()
    await expect(open(socket)).rejects.toThrow(SocketTaken)
    const client = await connect()
    client.send(hello())
    expect(await client.line(0)).toEqual({ patchbay: 1, ok: true })
  })

  it('takes the place of a socket that an app left behind that was killed', async () => {
    const socket = path.join(await makeScratchFolder(), 'stale.sock')
    const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`
    const child = spawn(process.execPath, ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(existsSync(socket)).toBe(true)
    const { connect } = await open(socket)
    const client = await connect()
    client.send(hello())
    expect(await client.line(0)).toEqual({ patchbay: 1, ok: true })
  })

  it('tells why there can be no socket', async () => {
    const folder = await makeScratchFolder()
    await expect(open(path.join(folder, 'x'.repeat(120)))).rejects.toThrow(/EINVAL|ENAMETOOLONG/)
  })
})

describe('a client on the socket', { timeout: 20_000 }, () => {
  it('says hello and then speaks MCP, in one write or in many', async () => {
    const { connect, entries } = await open()
    const client = await connect()
    client.sendText(`${JSON.stringify(hello())}\n${JSON.stringify(initialize)}\n`)
    expect(await client.line(0)).toEqual({ patchbay: 1, ok: true })
    expect(await client.line(1)).toMatchObject({ id: 1, result: { serverInfo: { name: 'patchbay' } } })
    client.sendText('{"jsonrpc":"2.0",')
    client.sendText('"id":2,"method":"ping"}\n')
    expect(await client.line(2)).toMatchObject({ id: 2, result: {} })
    expect(entries.find(({ message }) => message === 'A client connected.')?.fields).toEqual({
      client: 'test',
      pid: 1,
    })
  })

  it('can be with one server', async () => {
    const { connect } = await open()
    const client = await connect()
    client.send(hello({ server: 'files' }))
    client.send(initialize)
    expect(await client.line(1)).toMatchObject({ id: 1, result: { serverInfo: { name: 'scripted' } } })
  })

  it.each([
    ['bad-token', hello({ token: 'wrong' })],
    ['bad-token', 'no hello'],
    ['unknown-server', hello({ server: 'nothing' })],
    ['unknown-profile', hello({ profile: 'work' })],
  ])('is told %s and cut off', async (code, first) => {
    const { connect, entries } = await open()
    const client = await connect()
    client.send(first)
    client.send(initialize)
    expect(await client.line(0)).toMatchObject({ patchbay: 1, ok: false, code })
    await client.untilClosed()
    expect(client.lines).toHaveLength(1)
    expect(entries.at(-1)?.fields).toEqual({ code, carrier: 'socket' })
    expect(JSON.stringify(entries)).not.toContain(token)
  })

  it('is told so and cut off when what it says is no JSON', async () => {
    const { connect } = await open()
    const client = await connect()
    client.sendText('GET / HTTP/1.1\r\n\r\n')
    expect(await client.line(0)).toMatchObject({ ok: false, code: 'bad-token' })
    await client.untilClosed()
  })

  it('is cut off when its hello does not end', async () => {
    const { connect } = await open()
    const client = await connect()
    const began = performance.now()
    client.sendText('x'.repeat(64 * 1024 + 1))
    await client.untilClosed()
    expect(client.lines).toEqual([])
    // Else it were the five seconds that cut it off.
    expect(performance.now() - began).toBeLessThan(4500)
  })

  it('is cut off when its hello is longer than 64 KiB, though it comes to an end', async () => {
    const { connect } = await open()
    const client = await connect()
    client.send(hello({ padding: 'x'.repeat(70 * 1024) }))
    await client.untilClosed()
    expect(client.lines).toEqual([])
  })

  it('may send more than 64 KiB at once when only its hello is short', async () => {
    const { connect } = await open()
    const client = await connect()
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping', params: { x: 'x'.repeat(200_000) } })
    client.sendText(`${JSON.stringify(hello())}\n${JSON.stringify(initialize)}\n${ping}\n`)
    expect(await client.line(2)).toMatchObject({ id: 2, result: {} })
  })

  it('has five seconds for its hello', async () => {
    const { connect } = await open()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const client = await connect()
    client.sendText('{"patchbay":1,')
    await vi.waitFor(() => {
      expect(vi.getTimerCount()).toBeGreaterThan(0)
    })
    vi.advanceTimersByTime(4000)
    await nextTurn()
    expect(client.isClosed).toBe(false)
    vi.advanceTimersByTime(1000)
    vi.useRealTimers()
    await client.untilClosed()
    expect(client.lines).toEqual([])
  })

  it('is told to wait when too many came with wrong tokens, and let in with the right one', async () => {
    const { connect, entries } = await open()
    const answers: unknown[] = []
    for (let count = 0; count < 21; count++) {
      const client = await connect()
      client.send(hello({ token: 'wrong' }))
      answers.push(await client.line(0))
    }
    expect(answers[19]).toMatchObject({ code: 'bad-token' })
    expect(answers[20]).toMatchObject({ code: 'busy' })
    expect(entries).toHaveLength(20)
    const client = await connect()
    client.send(hello())
    expect(await client.line(0)).toEqual({ patchbay: 1, ok: true })
  })

  it('has to go when 64 others came after it and it has said nothing yet', async () => {
    const { connect } = await open()
    const known = await connect()
    known.send(hello())
    await known.line(0)
    const first = await connect()
    const others = await Promise.all(Array.from({ length: 64 }, connect))
    await first.untilClosed()
    others[0]?.send(hello())
    expect(await others[0]?.line(0)).toEqual({ patchbay: 1, ok: true })
    expect(known.isClosed).toBe(false)
  })

  it('may be silent for as long as it likes after its hello', async () => {
    const { connect } = await open()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const client = await connect()
    client.send(hello())
    await client.line(0)
    vi.advanceTimersByTime(3_600_000)
    vi.useRealTimers()
    client.send(initialize)
    expect(await client.line(1)).toMatchObject({ id: 1 })
  })
})

describe('closing the socket', { timeout: 20_000 }, () => {
  it('ends the clients, takes the socket away, and waits for no client that does not end', async () => {
    const { socket, endpoint, connect } = await open()
    const [polite, silent] = [await connect(), await connect()]
    const stubborn = await connectSocketClient(socket, true)
    for (const client of [polite, stubborn]) {
      client.send(hello())
      await client.line(0)
    }
    await endpoint.close()
    await Promise.all([polite.untilClosed(), silent.untilClosed(), stubborn.untilClosed()])
    expect(existsSync(socket)).toBe(false)
    await expect(connect()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('forgets clients that went by themselves', async () => {
    const { endpoint, connect } = await open()
    const client = await connect()
    client.send(hello())
    await client.line(0)
    client.end()
    await client.untilClosed()
    await vi.waitFor(() => endpoint.close(), patience)
  })
})
