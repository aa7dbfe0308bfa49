import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openGatewayBench, type GatewayBench } from '../../../testing/gateway-bench.ts'
import { begin, send, untilAnswered } from '../../../testing/gateway-client.ts'
import { findFreePort, takePort } from '../../../testing/ports.ts'
import { toLine } from '../../../testing/wire-message.ts'
import { AddressUnusable, PortTaken } from './listener/listener.ts'

const ping = toLine('ping', undefined, '7')

describe('other settings of HTTP', { timeout: 20_000 }, () => {
  it('hold at once where the address stays', async () => {
    const { endpoint, gateway, url } = await openGatewayBench()
    const headers = { Host: 'box.local' }
    expect((await send(url, { path: '/healthz', headers })).status).toBe(403)
    await endpoint.apply({ ...gateway, allowedHosts: ['box.local'] })
    expect((await send(url, { path: '/healthz', headers })).status).toBe(200)
    await expect(endpoint.apply({ ...gateway, host: '0.0.0.0', auth: 'none' })).rejects.toThrow(
      AddressUnusable,
    )
    expect((await send(url, { path: '/healthz', headers })).status).toBe(200)
    expect(endpoint.url).toBe(url)
  })

  it('that open HTTP to other computers, and name no name for them, are warned of', async () => {
    const warnings = (log: GatewayBench['log']) => log.filter(({ level }) => level === 'warning').length
    const [open, named] = [
      await openGatewayBench({ gateway: { host: '0.0.0.0' } }),
      await openGatewayBench({ gateway: { host: '0.0.0.0', allowedHosts: ['box.local'] } }),
    ]
    expect([warnings(open.log), warnings(named.log)]).toEqual([1, 0])
    expect(open.log.at(-1)?.message).toContain('gateway.allowedHosts')
  })

  it('that want a token again end who came without', async () => {
    const { endpoint, gateway, connect, log } = await openGatewayBench({ gateway: { auth: 'none' } })
    const client = connect()
    await client.open()
    const stranger = await send(endpoint.url ?? '', { path: '/sse' })
    await endpoint.apply({ ...gateway, auth: 'token' })
    await stranger.ended
    expect((await client.post(ping)).status).toBe(200)
    expect(log.filter(({ message }) => message === 'A client left.')).toEqual([])
  })

  it('that let fewer in hold though their address cannot be had, and it is tried again', async () => {
    const {
      endpoint,
      gateway,
      url,
      connect: openClient,
    } = await openGatewayBench({
      gateway: { auth: 'none', allowedOrigins: ['https://app.example'] },
    })
    const client = openClient()
    const stranger = await send(url, { path: '/sse' })
    const taken = await takePort()
    const next = { ...gateway, port: taken, auth: 'token' as const, allowedOrigins: [] }
    for (let count = 0; count < 2; count++) {
      await expect(endpoint.apply(next)).rejects.toThrow(PortTaken)
      await stranger.ended
      expect((await send(url, { path: '/mcp' })).status).toBe(401)
      const headers = { Origin: 'https://app.example' }
      expect((await send(url, { path: '/mcp', headers })).status).toBe(403)
      expect(endpoint.url).toBe(url)
    }
    expect((await client.open()).result).toBeDefined()
  })

  it('that do without a token nearby let nobody in without one while others come by still', async () => {
    const { endpoint, gateway, url } = await openGatewayBench({ gateway: { host: '0.0.0.0' } })
    const next = { ...gateway, host: '127.0.0.1', auth: 'none', port: await takePort() } as const
    await expect(endpoint.apply(next)).rejects.toThrow(PortTaken)
    expect((await send(url, { path: '/mcp' })).status).toBe(401)
  })

  it('of the address let come to its end what is in flight at the old one', async () => {
    const { endpoint, gateway, bench, connect: openClient, url } = await openGatewayBench()
    const client = openClient()
    await client.open()
    const life = await bench.server('s').nextLife()
    const called = client.call('s__x')
    const call = await life.next('tools/call')
    await endpoint.apply({ ...gateway, port: await findFreePort() })
    await expect(send(url, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED')
    life.reply(call, '{"n":1.0}')
    const response = await called
    expect([response.status, response.headers.connection]).toEqual([200, 'close'])
    expect(await response.ended).toContain('"n":1.0')
  })

  it('that take away what an initialize came by leave it without a session', async () => {
    const { endpoint, gateway, url, token } = await openGatewayBench({ gateway: { auth: 'none' } })
    const body = toLine('initialize', '{}', '1')
    const type = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }
    const ask = async (headers: Record<string, string>) => {
      const outgoing = begin(url, { method: 'POST', path: '/mcp', headers: { ...type, ...headers } })
      await new Promise((resolve) => outgoing.write(body.slice(0, 5), resolve))
      expect((await send(url, { path: '/healthz' })).status).toBe(200)
      return outgoing
    }
    const [without, old] = [await ask({}), await ask({ Authorization: `Bearer ${token.value}` })]
    await endpoint.apply({ ...gateway, auth: 'token' })
    token.change('another-token')
    for (const outgoing of [without, old]) {
      const answered = untilAnswered(outgoing)
      outgoing.end(body.slice(5))
      expect((await answered).status).toBe(401)
    }
  })

  it('open another port before the old one is closed, and sessions go on there', async () => {
    const bench = await openGatewayBench()
    const client = bench.connect()
    await client.open()
    const free = await takePort()
    await expect(bench.endpoint.apply({ ...bench.gateway, port: free })).rejects.toThrow(PortTaken)
    expect((await client.post(ping)).status).toBe(200)
    await bench.endpoint.apply({ ...bench.gateway, port: await findFreePort() })
    expect(bench.endpoint.url).not.toBe(bench.url)
    await expect(client.post(ping)).rejects.toThrow('ECONNREFUSED')
    const response = await send(bench.endpoint.url ?? '', {
      method: 'POST',
      path: '/mcp',
      headers: {
        Authorization: `Bearer ${bench.token.value}`,
        'Content-Type': 'application/json',
        'Mcp-Session-Id': client.sessionId ?? '',
      },
      body: ping,
    })
    expect(response.status).toBe(200)
  })

  it('open all addresses on the port that one of them has already, and go back to it', async () => {
    const { endpoint, gateway, url, connect } = await openGatewayBench()
    const client = connect()
    await client.open()
    const port = Number(new URL(url).port)
    await endpoint.apply({ ...gateway, host: '0.0.0.0', port })
    expect(endpoint.url).toBe(url)
    expect((await client.post(ping)).status).toBe(200)
    await endpoint.apply({ ...gateway, host: 'localhost', port })
    expect((await client.post(ping)).status).toBe(200)
  })

  it.runIf(process.platform === 'linux')(
    'that cannot be, on the same port, leave all as it was',
    async () => {
      const { endpoint, gateway, url } = await openGatewayBench()
      const port = Number(new URL(url).port)
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(port, '127.0.0.2', resolve))
      onTestFinished(() => void other.close())
      await expect(endpoint.apply({ ...gateway, host: '0.0.0.0', port })).rejects.toThrow(PortTaken)
      expect((await send(url, { path: '/healthz' })).status).toBe(200)
      expect(endpoint.url).toBe(url)
    },
  )

  it('of another token end who came with the old one', async () => {
    const { endpoint, token, connect, url } = await openGatewayBench()
    const client = connect()
    await client.open()
    const stream = await client.listen()
    expect(token.change('another-token')).toBe(true)
    endpoint.endSessionsWithToken()
    await stream.ended
    expect((await client.post(ping)).status).toBe(401)
    const headers = { Authorization: 'Bearer another-token', 'Mcp-Session-Id': client.sessionId ?? '' }
    expect((await send(url, { path: '/mcp', headers })).status).toBe(404)
  })
})
