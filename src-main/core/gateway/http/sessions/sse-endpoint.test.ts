import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openGatewayBench, type GatewayBench } from '../../../../testing/gateway-bench.ts'
import { send, type TestResponse } from '../../../../testing/gateway-client.ts'
import { patience } from '../../../../testing/patience.ts'
import { toLine } from '../../../../testing/wire-message.ts'

const initialize = toLine(
  'initialize',
  '{"protocolVersion":"2024-11-05","capabilities":{"elicitation":{}},"clientInfo":{"name":"old"}}',
  '1',
)

interface OldClient {
  readonly stream: TestResponse
  readonly place: string
  readonly post: (body: string, headers?: Record<string, string>) => Promise<TestResponse>
}

function authorize({ token }: GatewayBench): Record<string, string> {
  return { Authorization: `Bearer ${token.value}` }
}

async function open(bench: GatewayBench, path = '/sse'): Promise<OldClient> {
  const stream = await send(bench.url, { path, headers: authorize(bench) })
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream'])
  const first = await stream.events.take('its place', () => true)
  expect(first).toEqual({
    event: 'endpoint',
    data: expect.stringMatching(/^\/messages\?sessionId=[\w-]{32}$/) as string,
  })
  const place = first.data ?? ''
  return {
    stream,
    place,
    post: (body, headers = {}) => {
      const all = { ...authorize(bench), 'Content-Type': 'application/json', ...headers }
      return send(bench.url, { method: 'POST', path: place, headers: all, body })
    },
  }
}

describe('a client over HTTP+SSE', { timeout: 20_000 }, () => {
  it('posts to the place that it is told, and gets all over its stream', async () => {
    const bench = await openGatewayBench()
    const { stream, post } = await open(bench)
    const posted = await post(initialize)
    expect([posted.status, await posted.ended]).toEqual([202, ''])
    expect(await stream.events.take('an answer', () => true)).toMatchObject({ event: 'message' })
    expect(bench.log.at(-1)).toMatchObject({
      message: 'A client connected.',
      fields: { client: 'old', carrier: 'sse' },
    })
    const life = await bench.bench.server('s').nextLife()
    await post(toLine('tools/call', '{"name":"s__x"}', '"a"'))
    const call = await life.next('tools/call')
    const asked = life.ask('7', 'elicitation/create')
    const question = await stream.nextMessage()
    await post(`{"jsonrpc":"2.0","id":${Number(question.id)},"result":{"n":1.0}}`)
    expect((await asked).text).toContain('"result":{"n":1.0}')
    life.reply(call, '{"n":1.0}')
    expect((await stream.nextMessage()).text).toBe('{"jsonrpc":"2.0","id":"a","result":{"n":1.0}}')
  })

  it('can be with one server', async () => {
    const bench = await openGatewayBench()
    const { stream, post } = await open(bench, '/sse/servers/s')
    await post(initialize)
    expect(await stream.nextMessage()).toMatchObject({ result: { serverInfo: { name: 'scripted' } } })
    expect(bench.log.at(-1)?.fields).toEqual({ client: 'old', carrier: 'sse', server: 's' })
  })

  it('is gone with its stream, and its calls with it', async () => {
    const bench = await openGatewayBench()
    const { stream, post } = await open(bench)
    await post(initialize)
    await stream.nextMessage()
    const life = await bench.bench.server('s').nextLife()
    await post(toLine('tools/call', '{"name":"s__x"}', '2'))
    await life.next('tools/call')
    stream.destroy()
    await life.next('notifications/cancelled')
    const late = await post(toLine('ping', undefined, '3'))
    expect(late.status).toBe(404)
    expect(await late.message()).toMatchObject({ error: { data: { code: 'session-gone' } } })
    expect(bench.log.at(-1)?.message).toBe('A client left.')
  })

  it.each<[string, string, Record<string, string>, number]>([
    ['broken JSON', '{', {}, 400],
    ['another type', '{}', { 'Content-Type': 'text/plain' }, 415],
    ['something packed', '{}', { 'Content-Encoding': 'br' }, 415],
    ['too much', 'x'.repeat(200), {}, 413],
  ])('cannot post %s', async (...[, body, headers, status]) => {
    const { post } = await open(await openGatewayBench({ bodyBytes: 100 }))
    expect((await post(body, headers)).status).toBe(status)
  })

  it('is refused where there is no such server or session, and without a stream to read', async () => {
    const bench = await openGatewayBench()
    const headers = authorize(bench)
    expect((await send(bench.url, { path: '/sse/servers/no', headers })).status).toBe(404)
    const json = { ...headers, Accept: 'application/json' }
    expect((await send(bench.url, { path: '/sse', headers: json })).status).toBe(406)
    const type = { ...headers, 'Content-Type': 'application/json' }
    for (const path of ['/messages', '/messages?sessionId=x']) {
      expect((await send(bench.url, { method: 'POST', path, headers: type, body: '{}' })).status).toBe(404)
    }
    const modern = bench.connect()
    await modern.open()
    const path = `/messages?sessionId=${modern.sessionId ?? ''}`
    expect((await send(bench.url, { method: 'POST', path, headers: type, body: '{}' })).status).toBe(404)
  })

  it('takes part in the limit of sessions', async () => {
    const bench = await openGatewayBench({
      http: { sessionLimits: { sessions: 1, spareMs: 0, restMs: 1e9, idleMs: 1e9 } },
    })
    const { stream } = await open(bench)
    expect((await send(bench.url, { path: '/sse', headers: authorize(bench) })).status).toBe(503)
    stream.destroy()
    await vi.waitFor(() => open(bench), patience)
  })

  it('is told now and then that we are there', async () => {
    const bench = await openGatewayBench()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { stream } = await open(bench)
    vi.advanceTimersByTime(15_000)
    expect(await stream.events.take('a comment', ({ data }) => data === undefined)).toEqual({})
  })
})
