import { connect } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openGatewayBench, type GatewayBench } from '../../../testing/gateway-bench.ts'
import { begin, send, sendRaw, untilAnswered } from '../../../testing/gateway-client.ts'
import { patience } from '../../../testing/patience.ts'
import { takePort } from '../../../testing/ports.ts'
import { toLine } from '../../../testing/wire-message.ts'
import { AddressUnusable, PortTaken } from './listener/listener.ts'

const ping = toLine('ping', undefined, '7')

function authorize({ token }: GatewayBench): Record<string, string> {
  return { Authorization: `Bearer ${token.value}` }
}

describe('HTTP', { timeout: 20_000 }, () => {
  it('tells whether it lives, to everybody', async () => {
    const { url } = await openGatewayBench()
    const response = await send(url, { path: '/healthz' })
    expect([response.status, await response.ended]).toEqual([200, '{"status":"ok"}'])
    const head = await send(url, { method: 'HEAD', path: '/healthz' })
    expect([head.status, head.headers['content-length'], await head.ended]).toEqual([200, '15', ''])
  })

  it('wants the token for all else, and says so in the words of who asks', async () => {
    const bench = await openGatewayBench()
    const plain = await send(bench.url, { path: '/api/servers' })
    expect(plain.status).toBe(401)
    expect(plain.headers['www-authenticate']).toBe('Bearer realm="Patchbay"')
    expect(await plain.json()).toEqual({ error: { code: 'no-token', message: expect.any(String) as string } })
    const mcp = await send(bench.url, { path: '/mcp', headers: { Authorization: 'Bearer wrong' } })
    expect(mcp.status).toBe(401)
    expect(await mcp.message()).toMatchObject({
      id: null,
      error: { code: -32000, data: { code: 'bad-token' } },
    })
    const known = await send(bench.url, { path: '/api/servers', headers: authorize(bench) })
    expect(known.status).toBe(404)
    expect(JSON.stringify(bench.log)).not.toContain('wrong"')
  })

  it('holds back wrong tokens when there are many, and never the right one', async () => {
    const bench = await openGatewayBench()
    const statuses: number[] = []
    for (let count = 0; count < 22; count++) {
      const response = await send(bench.url, { path: '/mcp', headers: { Authorization: 'Bearer wrong' } })
      statuses.push(response.status)
      if (response.status === 429) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429])
    expect((await bench.connect().open()).result).toBeDefined()
    expect(bench.log.filter(({ fields }) => fields['code'] === 'bad-token')).toHaveLength(20)
  })

  it('lets pages of allowed origins in, and asks them for the token', async () => {
    const bench = await openGatewayBench({ gateway: { allowedOrigins: ['https://app.example'] } })
    const origin = { Origin: 'https://app.example' }
    const asked = await send(bench.url, {
      method: 'OPTIONS',
      path: '/mcp',
      headers: { ...origin, 'Access-Control-Request-Method': 'POST' },
    })
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, 'https://app.example'])
    expect(asked.headers['content-length']).toBeUndefined()
    const refused = await send(bench.url, { path: '/mcp', headers: origin })
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([
      401,
      'https://app.example',
    ])
    const client = bench.connect()
    await client.open()
    const response = await client.post(ping, origin)
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      vary: 'Origin',
      'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate',
    })
    expect((await client.post(ping, { Origin: 'https://evil.example' })).status).toBe(403)
  })

  it('takes requests one after the other on one connection', async () => {
    const { url } = await openGatewayBench()
    const { host } = new URL(url)
    const one = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const last = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
    const received = await sendRaw(url, one + one + last)
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(received).toContain('Keep-Alive: timeout=65')
  })

  it('lets go of a stream that waited for its turn on a connection that is closed', async () => {
    const bench = await openGatewayBench()
    const client = bench.connect()
    await client.open()
    const life = await bench.bench.server('s').nextLife()
    const { hostname, port, host } = new URL(bench.url)
    const socket = connect({ host: hostname, port: Number(port) })
    onTestFinished(() => void socket.destroy())
    const head = `Host: ${host}\r\nAuthorization: Bearer ${bench.token.value}\r\nMcp-Session-Id: ${client.sessionId ?? ''}\r\n`
    const body = toLine('tools/call', '{"name":"s__x"}', '8')
    const type = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
    socket.write(`POST /mcp HTTP/1.1\r\n${head}${type}\r\n${body}GET /mcp HTTP/1.1\r\n${head}\r\n`)
    const call = await life.next('tools/call')
    socket.destroy()
    life.reply(call)
    // Eight streams may be open: the one that is gone must not count.
    await vi.waitFor(async () => {
      const streams = await Promise.all(Array.from({ length: 8 }, () => client.listen()))
      const statuses = streams.map(({ status }) => status)
      for (const stream of streams) stream.destroy()
      expect(statuses).toEqual(Array.from({ length: 8 }, () => 200))
    }, patience)
  })

  it('closes a connection on which no right token was shown after a refusal, and no other', async () => {
    const { url, token } = await openGatewayBench()
    const { host } = new URL(url)
    const one = (more: string) => `GET /nothing HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`
    const stranger = await sendRaw(url, one('') + one(''))
    expect(stranger.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 401'])
    const right = `Authorization: Bearer ${token.value}\r\n`
    const friend = await sendRaw(url, one(right) + one('') + one(`${right}Connection: close\r\n`))
    expect(friend.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 401', 'HTTP/1.1 404'])
  })

  it('keeps strangers from taking all connections', async () => {
    const { url, connect: openClient } = await openGatewayBench()
    const { hostname, port } = new URL(url)
    const client = openClient()
    await client.open()
    const stream = await client.listen()
    const strangers = Array.from({ length: 300 }, () => connect({ host: hostname, port: Number(port) }))
    onTestFinished(() => {
      for (const stranger of strangers) stranger.destroy()
    })
    for (const stranger of strangers) stranger.on('error', () => undefined).resume()
    await vi.waitFor(() => {
      expect(strangers.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(44)
    }, patience)
    expect((await client.post(ping)).status).toBe(200)
    await client.delete()
    await stream.ended
  })

  it('tells nobody of an older protocol to go on', async () => {
    const bench = await openGatewayBench({ gateway: { auth: 'none' } })
    const { host } = new URL(bench.url)
    const type = `Content-Type: application/json\r\nContent-Length: ${ping.length}\r\n`
    const received = await sendRaw(
      bench.url,
      `POST /mcp HTTP/1.0\r\nHost: ${host}\r\n${type}Expect: 100-continue\r\n\r\n${ping}`,
    )
    expect(received).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('is not held up by who asks very often on one connection', async () => {
    const { url } = await openGatewayBench()
    const { host, hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    onTestFinished(() => void socket.destroy())
    let length = 0
    socket.on('data', (chunk: Buffer) => (length += chunk.length))
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(20_000))
    await vi.waitFor(() => {
      expect(length).toBeGreaterThan(1_000_000)
    }, patience)
    const began = performance.now()
    socket.destroy()
    expect((await send(url, { path: '/healthz' })).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(500)
  })

  it('closes a connection whose client asked whether to send a body and was refused', async () => {
    const { url } = await openGatewayBench()
    const { host } = new URL(url)
    const received = await sendRaw(
      url,
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`,
    )
    expect(received).toMatch(/^HTTP\/1\.1 401 .*\r\nConnection: close\r\n/s)
  })

  it('gives a refusal before a long body is there, and closes', async () => {
    const { url } = await openGatewayBench()
    const outgoing = begin(url, { method: 'POST', path: '/mcp', headers: { 'Content-Length': '1000000' } })
    outgoing.on('error', () => undefined)
    outgoing.write('x')
    const response = await untilAnswered(outgoing)
    expect([response.status, response.headers.connection]).toEqual([401, 'close'])
    expect(await response.message()).toMatchObject({ error: { data: { code: 'no-token' } } })
  })

  it('closes once a refused body has come after all', async () => {
    const { url } = await openGatewayBench()
    const body = 'x'.repeat(300_000)
    const received = await sendRaw(
      url,
      `POST /mcp HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(received).toMatch(/^HTTP\/1\.1 401 .*\r\nConnection: close\r\n/s)
  })
})

describe('HTTP without a token', { timeout: 20_000 }, () => {
  it('is for clients of MCP alone', async () => {
    const { url } = await openGatewayBench({ gateway: { auth: 'none' } })
    const headers = { 'Content-Type': 'application/json' }
    const opened = await send(url, {
      method: 'POST',
      path: '/mcp',
      headers,
      body: toLine('initialize', '{}', '1'),
    })
    expect(opened.status).toBe(200)
    expect((await send(url, { path: '/sse' })).status).toBe(200)
    expect((await send(url, { path: '/api/servers' })).status).toBe(401)
  })

  it('is refused where other computers come by', async () => {
    const opened = openGatewayBench({ gateway: { auth: 'none', host: '0.0.0.0' } })
    await expect(opened).rejects.toThrow(AddressUnusable)
    await expect(opened).rejects.toThrow('“0.0.0.0” is elsewhere')
  })
})

describe('a taken port', { timeout: 20_000 }, () => {
  it('is told with its owner and a way out', async () => {
    const port = await takePort()
    const opened = openGatewayBench({ gateway: { port } })
    await expect(opened).rejects.toThrow(PortTaken)
    await expect(opened).rejects.toThrow(`Port ${port} is taken by`)
    if (process.platform === 'linux') await expect(opened).rejects.toThrow(`(pid ${process.pid})`)
    await expect(opened).rejects.toThrow('--port')
  })

  it('is told to be another Patchbay where it answers so', async () => {
    const { endpoint } = await openGatewayBench()
    const port = Number(new URL(endpoint.url ?? '').port)
    await expect(openGatewayBench({ gateway: { port } })).rejects.toThrow('looks like another Patchbay')
  })

  it.each(['203.0.113.7', 'no.such.host.invalid'])(
    'is another thing than an address that is not ours: %s',
    async (host) => {
      const opened = openGatewayBench({ gateway: { host } })
      await expect(opened).rejects.toThrow(AddressUnusable)
      await expect(opened).rejects.toThrow(`“${host}” is no address of this computer`)
    },
  )
})

describe('closing HTTP', { timeout: 20_000 }, () => {
  it('ends streams and answers what waits, and takes no longer than a second', async () => {
    const { endpoint, connect, bench, url } = await openGatewayBench()
    const client = connect()
    await client.open()
    const stream = await client.listen()
    const life = await bench.server('s').nextLife()
    const called = client.call('s__x')
    await life.next('tools/call')
    const silent = begin(url, { method: 'POST', path: '/mcp', headers: { 'Content-Length': '10' } })
    silent.on('error', () => undefined)
    silent.flushHeaders()
    const began = performance.now()
    await endpoint.close()
    expect(performance.now() - began).toBeLessThan(3000)
    await stream.ended
    expect((await called).status).toBe(404)
    await vi.waitFor(async () => {
      await expect(send(url, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED')
    }, patience)
  })
})
