import { describe, expect, it } from 'vitest'
import { openGatewayBench } from '../../../../testing/gateway-bench.ts'
import { begin, send, untilAnswered } from '../../../../testing/gateway-client.ts'
import { toWholeConfig } from '../../../../testing/server-config.ts'
import { toTool } from '../../../../testing/scripted-server.ts'
import { toLine } from '../../../../testing/wire-message.ts'

const ping = toLine('ping', undefined, '7')

async function open() {
  const bench = await openGatewayBench({ bodyBytes: 2000 })
  const client = bench.connect()
  await client.open()
  return { ...bench, client }
}

describe('a session over HTTP', { timeout: 20_000 }, () => {
  it('opens with initialize, and its id is told once', async () => {
    const { connect, log } = await openGatewayBench()
    const client = connect()
    const answer = await client.open()
    expect(answer).toMatchObject({ id: 1, result: { serverInfo: { name: 'patchbay' } } })
    expect(client.sessionId).toMatch(/^[\w-]{32}$/)
    const response = await client.post(ping)
    expect(response.status).toBe(200)
    expect(response.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '36',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    expect(response.headers['mcp-session-id']).toBeUndefined()
    expect(await response.ended).toBe('{"jsonrpc":"2.0","id":7,"result":{}}')
    expect(log).toMatchObject([
      { level: 'info', message: 'A client connected.', fields: { client: 'tester', carrier: 'http' } },
    ])
  })

  it('gives every client an id of its own', async () => {
    const { connect } = await openGatewayBench()
    const clients = [connect(), connect()]
    for (const client of clients) await client.open()
    expect(clients[0]?.sessionId).not.toBe(clients[1]?.sessionId)
  })

  it('ends when it is told to, and is unknown from then on', async () => {
    const { client, log } = await open()
    const deleted = await client.delete()
    expect([deleted.status, await deleted.ended]).toEqual([200, ''])
    expect(log.at(-1)).toMatchObject({ message: 'A client left.', fields: { client: 'tester' } })
    for (const response of [await client.post(ping), await client.listen(), await client.delete()]) {
      expect(response.status).toBe(404)
      expect(await response.message()).toMatchObject({ error: { data: { code: 'session-gone' } } })
    }
  })

  it('is with one server, and known only there', async () => {
    const { bench, connect, url, token } = await openGatewayBench({
      servers: { s: { script: { tools: [toTool('echo')] } } },
    })
    const client = connect('/mcp/servers/s')
    expect(await client.open()).toMatchObject({ result: { serverInfo: { name: 'scripted' } } })
    const life = await bench.server('s').nextLife()
    const called = client.call('echo')
    life.reply(await life.next('tools/call'), '{"content":[]}')
    expect(await (await called).message()).toMatchObject({ result: { content: [] } })
    const elsewhere = await send(url, {
      method: 'POST',
      path: '/mcp',
      headers: {
        Authorization: `Bearer ${token.value}`,
        'Content-Type': 'application/json',
        'Mcp-Session-Id': client.sessionId ?? '',
      },
      body: ping,
    })
    expect(elsewhere.status).toBe(404)
  })

  it('outlives that its one server is switched off, and can be ended then', async () => {
    const { bench, connect } = await openGatewayBench()
    const client = connect('/mcp/servers/s')
    await client.open()
    await bench.router.apply(toWholeConfig([]))
    expect(bench.router.hasServer('s')).toBe(false)
    const called = await client.call('x')
    expect(called.status).toBe(200)
    expect(await called.message()).toMatchObject({ error: { data: { code: expect.any(String) as string } } })
    expect((await connect('/mcp/servers/s').post(toLine('initialize', '{}', '1'))).status).toBe(404)
    expect((await client.delete()).status).toBe(200)
    expect((await client.delete()).status).toBe(404)
  })

  it('is not made for a server that is not there, nor where initialize fails', async () => {
    const { bench, connect, log } = await openGatewayBench({
      servers: { s: { script: { isBroken: true } } },
      isStartedByHand: true,
    })
    const nobody = await connect('/mcp/servers/nothing').post(toLine('initialize', '{}', '1'))
    expect(nobody.status).toBe(404)
    expect(await nobody.message()).toMatchObject({ id: null, error: { data: { code: 'unknown-server' } } })
    bench.router.start()
    await bench.until('s', 'crash-loop')
    const broken = await connect('/mcp/servers/s').post(toLine('initialize', '{}', '1'))
    expect(broken.status).toBe(200)
    expect(broken.headers['mcp-session-id']).toBeUndefined()
    expect(await broken.message()).toMatchObject({ id: 1, error: { data: { code: 'server-unavailable' } } })
    expect(log).toEqual([])
  })
})

describe('a request without a session', { timeout: 20_000 }, () => {
  it.each([
    ['a request', ping, 7],
    ['a notification', toLine('notifications/initialized'), null],
    ['an answer', '{"jsonrpc":"2.0","id":7,"result":{}}', null],
  ])('is refused when it is %s', async (...[, body, id]) => {
    const { connect } = await openGatewayBench()
    const response = await connect().post(body)
    expect(response.status).toBe(400)
    expect(await response.message()).toMatchObject({
      id,
      error: { code: -32000, data: { code: 'no-session' } },
    })
  })

  it('is refused for streams and ends as well', async () => {
    const { connect } = await openGatewayBench()
    expect((await connect().listen()).status).toBe(400)
    expect((await connect().delete()).status).toBe(400)
  })
})

describe('a POST', { timeout: 20_000 }, () => {
  it.each<[string, Readonly<Record<string, string>>, number, string]>([
    ['no JSON by its type', { 'Content-Type': 'text/plain' }, 415, 'not-json'],
    ['packed', { 'Content-Encoding': 'gzip' }, 415, 'encoded'],
    ['for a client that takes no events', { Accept: 'application/json' }, 406, 'not-acceptable'],
    ['for a client that takes no JSON', { Accept: 'text/event-stream' }, 406, 'not-acceptable'],
    ['of a revision that nobody knows', { 'MCP-Protocol-Version': '1900-01-01' }, 400, 'unknown-revision'],
    ['of a session that is not there', { 'Mcp-Session-Id': 'x' }, 404, 'session-gone'],
  ])('is refused when it is %s', async (...[, headers, status, code]) => {
    const { client } = await open()
    const response = await client.post(ping, headers)
    expect(response.status).toBe(status)
    expect(await response.message()).toMatchObject({ id: null, error: { code: -32000, data: { code } } })
  })

  it.each([
    ['', -32700, null],
    ['{"jsonrpc":', -32700, null],
    ['{"jsonrpc":"2.0",\n"id":1,"method":"x"\ny}', -32700, null],
    ['[]', -32600, null],
    ['[{"jsonrpc":"2.0","id":7,"method":"ping"}]', -32600, null],
    ['7', -32600, null],
    ['{}', -32600, null],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":"a","method":7}', -32600, 'a'],
  ])('that holds no message is refused: %j', async (body, code, id) => {
    const { client } = await open()
    const response = await client.post(body)
    expect(response.status).toBe(400)
    expect(await response.message()).toMatchObject({ id, error: { code } })
  })

  it('may be of many lines, of which a server sees one', async () => {
    const { bench, client } = await open()
    const life = await bench.server('s').nextLife()
    const called = client.post(
      '{"jsonrpc":"2.0",\r\n "id":"a",\n "method":"tools/call",\n"params":{"name":"s__x"}\n}\n',
    )
    const call = await life.next('tools/call')
    expect(call.text).toContain(',   "id":')
    life.reply(call)
    expect(await (await called).message()).toMatchObject({ id: 'a' })
  })

  it.each([true, false])(
    'that is too large is refused (told beforehand: %s), and its connection closed',
    async (isTold) => {
      const { url, client, token } = await open()
      const outgoing = begin(url, {
        method: 'POST',
        path: '/mcp',
        headers: {
          Authorization: `Bearer ${token.value}`,
          'Content-Type': 'application/json',
          'Mcp-Session-Id': client.sessionId ?? '',
          ...(isTold ? { 'Content-Length': '100000' } : {}),
        },
      })
      outgoing.write('x'.repeat(2001))
      const response = await untilAnswered(outgoing)
      expect(response.status).toBe(413)
      expect(response.headers.connection).toBe('close')
      expect(await response.message()).toMatchObject({ error: { data: { code: 'too-large' } } })
    },
  )

  it('that asks first is told to go on, once it may come in', async () => {
    const { url, client, token } = await open()
    const ask = (sessionId: string) => {
      return begin(url, {
        method: 'POST',
        path: '/mcp',
        headers: {
          Authorization: `Bearer ${token.value}`,
          'Content-Type': 'application/json',
          'Content-Length': String(ping.length),
          'Mcp-Session-Id': sessionId,
          Expect: '100-continue',
        },
      })
    }
    const outgoing = ask(client.sessionId ?? '')
    outgoing.on('continue', () => outgoing.end(ping))
    outgoing.flushHeaders()
    expect((await untilAnswered(outgoing)).status).toBe(200)
    const foreign = ask('x')
    let isToldToGoOn = false
    foreign.on('continue', () => (isToldToGoOn = true))
    foreign.flushHeaders()
    expect((await untilAnswered(foreign)).status).toBe(404)
    expect(isToldToGoOn).toBe(false)
  })

  it('of a second initialize is refused', async () => {
    const { client } = await open()
    const response = await client.post(toLine('initialize', '{}', '9'))
    expect(response.status).toBe(400)
    expect(await response.message()).toMatchObject({ id: 9, error: { data: { code: 'session-open' } } })
  })

  it('whose client goes in the middle of it is forgotten', async () => {
    const { url, client, token } = await open()
    const outgoing = begin(url, {
      method: 'POST',
      path: '/mcp',
      headers: {
        Authorization: `Bearer ${token.value}`,
        'Content-Type': 'application/json',
        'Content-Length': '100',
        'Mcp-Session-Id': client.sessionId ?? '',
      },
    })
    outgoing.on('error', () => undefined)
    await new Promise((resolve) => outgoing.write('{"jsonrpc"', resolve))
    outgoing.destroy()
    expect((await client.post(ping)).status).toBe(200)
  })

  it('to a session that ends meanwhile is refused', async () => {
    const { url, client, token } = await open()
    const outgoing = begin(url, {
      method: 'POST',
      path: '/mcp',
      headers: {
        Authorization: `Bearer ${token.value}`,
        'Content-Type': 'application/json',
        'Mcp-Session-Id': client.sessionId ?? '',
      },
    })
    await new Promise((resolve) => outgoing.write(ping.slice(0, 5), resolve))
    // What came so far was seen once something later on another connection is answered.
    expect((await client.post(ping)).status).toBe(200)
    await client.delete()
    const answered = untilAnswered(outgoing)
    outgoing.end(ping.slice(5))
    const response = await answered
    expect([response.status, (await response.message()).id]).toEqual([404, 7])
  })
})

describe('too many sessions', { timeout: 20_000 }, () => {
  it('are refused while all are in use, and take the place of those that lay idle', async () => {
    const limits = { sessions: 2, spareMs: 0, restMs: 1e9, idleMs: 1e9 }
    const { connect, log } = await openGatewayBench({ http: { sessionLimits: limits } })
    const clients = [connect(), connect(), connect()]
    const [first, second, third] = clients
    for (const client of [first, second]) {
      await client!.open()
      expect((await client!.listen()).status).toBe(200)
    }
    const refused = await third!.post(toLine('initialize', '{}', '1'))
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toBe('60')
    expect(await refused.message()).toMatchObject({ error: { data: { code: 'busy' } } })
    await second!.delete()
    await second!.open()
    await third!.open()
    expect((await second!.post(ping)).status).toBe(404)
    expect((await third!.post(ping)).status).toBe(200)
    expect(log.filter(({ message }) => message === 'A client left.')).toHaveLength(2)
  })
})
