// The local socket: hello, refusals, limits.
import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectSocket, RawClient } from '../clients/raw-client.ts'
import { time } from '../clients/views.ts'
import { withDeadline } from '../clients/deadline.ts'
import { openSocketWire } from '../clients/wire.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless

beforeAll(async () => {
  app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
})

afterAll(() => app.dispose())

function toHello(change: JsonObject = {}): JsonObject {
  const client = { name: 'test', pid: process.pid, cwd: '/' }
  return { patchbay: 1, token: app.token, client, profile: null, server: null, ...change }
}

/** Sends a first line; gives what came back until the app closed the connection. */
async function sayAndWait(line: string, deadline = 2000): Promise<string> {
  const socket = connect(app.socket)
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    resolve(text)
  })
  socket.write(line)
  try {
    return await withDeadline(promise, deadline, () => `the app did not close; it said: ${text}`)
  } finally {
    socket.destroy()
  }
}

async function expectRefusal(hello: JsonObject, code: string): Promise<void> {
  const text = await sayAndWait(`${JSON.stringify(hello)}\n`)
  expect(text).toMatch(/^[^\n]+\n$/)
  const answer = JSON.parse(text) as JsonObject
  expect(answer).toMatchObject({ patchbay: 1, ok: false, code })
  expect(answer['message']).toMatch(/[.]$/)
}

describe('a hello', () => {
  it('that is right is answered with one line, then MCP follows', async () => {
    const client = await connectSocket(app.socket, toHello())
    expect(client.received.map((one) => one.line.toString())).toEqual(['{"patchbay":1,"ok":true}'])
    await client.initialize()
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
    client.destroy()
  })

  it('and the first messages may come in one piece', async () => {
    const client = new RawClient(await openSocketWire(app.socket))
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    }
    const lines = [toHello(), { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }]
    client.sendRaw(lines.map((line) => JSON.stringify(line)).join('\n'))
    await client.waitFor((one) => one.idKey === 'number 1')
    client.destroy()
  })

  it('with what later versions may add is let in', async () => {
    const client = await connectSocket(app.socket, toHello({ later: { x: 1 } }))
    expect(client.received[0]!.get('ok')).toBe(true)
    client.destroy()
  })

  it('with a wrong, an empty or no token is refused as bad-token', async () => {
    for (const token of ['wrong', '', `${app.token}x`, app.token.slice(1), undefined, 7])
      await expectRefusal(toHello({ token }), 'bad-token')
  })

  it('says nothing about servers to who has not the token', async () => {
    const text = await sayAndWait(`${JSON.stringify(toHello({ token: 'wrong', server: 'nonsense' }))}\n`)
    expect(text).toContain('bad-token')
    expect(text).not.toContain('nonsense')
  })

  it('for a server that is not there is refused as unknown-server', async () => {
    await expectRefusal(toHello({ server: 'nonsense' }), 'unknown-server')
  })

  it('for a profile is refused as unknown-profile', async () => {
    await expectRefusal(toHello({ profile: 'work' }), 'unknown-profile')
  })

  it('that is none closes the connection, without a word of MCP', async () => {
    for (const line of [
      'hello\n',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
      '[]\n',
      'GET / HTTP/1.1\r\n\r\n',
    ])
      expect(await sayAndWait(line)).not.toContain('"ok":true')
  })
})

describe('closed', () => {
  it('when no line came within 5 s, and not before', async () => {
    const { took } = await time(() => sayAndWait('{"patchbay":1,', 8000))
    expect(took).toBeGreaterThan(4500)
    expect(took).toBeLessThan(6500)
  })

  it('when the line is longer than 64 KiB, at once', async () => {
    const long = JSON.stringify(toHello({ client: { name: 'x'.repeat(70_000) } }))
    const { value, took } = await time(() => sayAndWait(long))
    expect(value).not.toContain('"ok":true')
    expect(took).toBeLessThan(1000)
    expect(await sayAndWait(`${long}\n`)).not.toContain('"ok":true')
  })

  it('a client that is in stays in beyond 5 s, and its later lines may be long', async () => {
    const client = await connectSocket(app.socket, toHello())
    await client.initialize()
    const text = 'x'.repeat(100_000)
    expect(await client.callText('echo__sleep', { ms: 5300, value: text })).toBe(text)
    client.destroy()
  })
})

describe('rendezvous.json', () => {
  function read(): JsonObject {
    return JSON.parse(readFileSync(path.join(app.dataDir, 'rendezvous.json'), 'utf8')) as JsonObject
  }

  it('tells what is documented', () => {
    expect(read()).toEqual({
      version: 1,
      pid: app.pid,
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/) as string,
      appVersion: app.ready.version,
      socket: app.socket,
      url: null,
      token: readFileSync(path.join(app.dataDir, 'access-token'), 'utf8').trim(),
      config: expect.stringContaining(app.dataDir.slice(0, app.dataDir.lastIndexOf('/'))) as string,
    })
  })

  it('is there while the app runs; the token survives restarts', async () => {
    const { token, startedAt } = read()
    await app.stop()
    expect(read).toThrow('ENOENT')
    await app.start()
    expect(read()['token']).toBe(token)
    expect(read()['startedAt']).not.toBe(startedAt)
  })
})
