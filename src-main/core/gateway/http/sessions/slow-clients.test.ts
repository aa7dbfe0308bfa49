import { describe, expect, it } from 'vitest'
import { openGatewayBench, type GatewayBench } from '../../../../testing/gateway-bench.ts'
import { begin, send, untilAnswered, type HttpTestClient } from '../../../../testing/gateway-client.ts'
import { waitUntil } from '../../../../testing/router-bench.ts'
import type { ServerLife } from '../../../../testing/scripted-server.ts'
import { toLine } from '../../../../testing/wire-message.ts'

interface Pair extends GatewayBench {
  readonly client: HttpTestClient
  readonly life: ServerLife
}

async function openPair(stallMs = 400): Promise<Pair> {
  const opened = await openGatewayBench({ bodyBytes: 2 ** 24, http: { stallMs } })
  const client = opened.connect()
  await client.open()
  return { ...opened, client, life: await opened.bench.server('s').nextLife() }
}

const update = `{"uri":"a:1","x":"${'x'.repeat(512 * 1024)}"}`

async function subscribe({ client, life }: Pair): Promise<void> {
  const subscribed = client.request('resources/subscribe', '{"uri":"a:1"}')
  life.reply(await life.next('resources/subscribe'))
  expect((await subscribed).status).toBe(200)
}

/** Has a call come to its end. */
async function passThrough({ client, life }: Pair): Promise<void> {
  const called = client.call('s__x')
  life.reply(await life.next('tools/call'))
  expect((await called).status).toBe(200)
}

describe('a client that does not read', { timeout: 30_000 }, () => {
  it('gets all of it once it reads, without a loss', async () => {
    const pair = await openPair(60_000)
    await subscribe(pair)
    const stream = await pair.client.listen()
    stream.pause()
    for (let count = 0; count < 40; count++) pair.life.notify('notifications/resources/updated', update)
    stream.resume()
    await waitUntil('all came', () => stream.events.items.length === 41)
    expect(pair.log.filter(({ level }) => level === 'warning')).toEqual([])
  })

  it('loses the stream that it does not read, and not its session', async () => {
    const pair = await openPair()
    await subscribe(pair)
    const stream = await pair.client.listen()
    stream.pause()
    for (let count = 0; count < 40; count++) pair.life.notify('notifications/resources/updated', update)
    await waitUntil('it is cut off', () => pair.log.some(({ level }) => level === 'warning'))
    expect(pair.log.at(-1)?.message).toBe('A client does not read what it asked for; its stream is closed.')
    // The server is not held back any more.
    await passThrough(pair)
  })

  it('gets large answers whole, several at a time', async () => {
    const pair = await openPair()
    const calls = Array.from({ length: 3 }, () => pair.client.call('s__x'))
    const large = `{"x":"${'x'.repeat(900_000)}"}`
    for (const call of calls) {
      pair.life.reply(await pair.life.next('tools/call'), large)
      const response = await call
      expect(response.headers['content-length']).toBeDefined()
    }
    const bodies = await Promise.all(calls.map(async (call) => (await call).ended))
    expect(bodies.map((body) => body.length)).toEqual([900_042, 900_042, 900_042])
  })
})

describe('a client over HTTP+SSE', { timeout: 30_000 }, () => {
  async function openOld({ url, token }: Pair) {
    const headers = { Authorization: `Bearer ${token.value}`, 'Content-Type': 'application/json' }
    const stream = await send(url, { path: '/sse', headers })
    const { data: path = '' } = await stream.events.take('its place', () => true)
    const post = (body: string) => send(url, { method: 'POST', path, headers, body })
    await post(toLine('initialize', '{"protocolVersion":"2024-11-05"}', '1'))
    await stream.nextMessage()
    return { stream, path, post }
  }

  it('that does not read is cut off, and its session over', async () => {
    const pair = await openPair()
    const { stream, post } = await openOld(pair)
    await post(toLine('resources/subscribe', '{"uri":"a:1"}', '2'))
    pair.life.reply(await pair.life.next('resources/subscribe'))
    await stream.nextMessage()
    stream.pause()
    for (let count = 0; count < 40; count++) pair.life.notify('notifications/resources/updated', update)
    await waitUntil('it is cut off', () => pair.log.some(({ level }) => level === 'warning'))
    await waitUntil('it is over', () => pair.log.at(-1)?.message === 'A client left.')
    await passThrough(pair)
  })

  it('that reads late gets all of it', async () => {
    const pair = await openPair(60_000)
    const { stream, post } = await openOld(pair)
    await post(toLine('resources/subscribe', '{"uri":"a:1"}', '2'))
    pair.life.reply(await pair.life.next('resources/subscribe'))
    await stream.nextMessage()
    stream.pause()
    for (let count = 0; count < 40; count++) pair.life.notify('notifications/resources/updated', update)
    stream.resume()
    await waitUntil('all came', () => stream.events.items.length === 40)
  })

  it('that posts more than a server reads is held back', async () => {
    const pair = await openPair(60_000)
    const { stream, path, post } = await openOld(pair)
    pair.life.pause()
    const posts = Array.from({ length: 8 }, (...[, index]) => post(toLargeCall(100 + index)))
    await untilCongested(pair)
    const late = postLarge(pair, path, 200)
    // Small ones go on, round after round, while it is not even read.
    for (let round = 0; round < 50; round++) {
      await post(toLine('ping', undefined, '"p"'))
      await stream.nextMessage()
    }
    expect(late.isSent).toBe(false)
    pair.life.resume()
    for (const posted of posts) {
      pair.life.reply(await pair.life.next('tools/call'))
      await stream.nextMessage()
      expect((await posted).status).toBe(202)
    }
    expect((await late.response).status).toBe(202)
  })
})

describe('a server that does not read', { timeout: 30_000 }, () => {
  it('holds back what its client posts, but for what is small', async () => {
    const pair = await openPair()
    pair.life.pause()
    const calls = Array.from({ length: 8 }, (...[, index]) => pair.client.post(toLargeCall(100 + index)))
    await untilCongested(pair)
    const late = postLarge(pair, '/mcp', 200)
    for (let round = 0; round < 50; round++) {
      expect((await pair.client.request('ping')).status).toBe(200)
    }
    expect(late.isSent).toBe(false)
    pair.life.resume()
    for (let count = 0; count <= calls.length; count++) pair.life.reply(await pair.life.next('tools/call'))
    for (const one of [...calls, late.response]) expect((await one).status).toBe(200)
  })
})

describe('a call that waits since a server does not read', { timeout: 30_000 }, () => {
  it('is never made when its client takes it back meanwhile', async () => {
    const pair = await openPair()
    pair.life.pause()
    const calls = Array.from({ length: 8 }, (...[, index]) => pair.client.post(toLargeCall(100 + index)))
    await untilCongested(pair)
    const late = postLarge(pair, '/mcp', 200)
    // It is there when what was sent after it is.
    expect((await pair.client.request('ping')).status).toBe(200)
    expect((await pair.client.post(toLine('notifications/cancelled', '{"requestId":200}'))).status).toBe(202)
    pair.life.resume()
    for (const call of calls) {
      pair.life.reply(await pair.life.next('tools/call'))
      expect((await call).status).toBe(200)
    }
    const response = await late.response
    expect([response.headers['content-type'], await response.ended]).toEqual(['text/event-stream', ''])
    expect(pair.life.count('tools/call')).toBe(8)
  })
})

/** A call of 4 MiB. */
function toLargeCall(id: number, bytes = 4 * 1024 * 1024): string {
  return toLine('tools/call', `{"name":"s__x","arguments":{"x":"${'x'.repeat(bytes)}"}}`, String(id))
}

async function untilCongested({ bench }: Pair): Promise<void> {
  const [upstream] = bench.pool('s').upstreams
  await waitUntil('it is congested', () => upstream?.connection?.isCongested === true)
}

/** Posts a call of 15 MiB, more than the system takes for a connection that is not read. */
function postLarge({ url, token, client }: Pair, path: string, id: number) {
  const session = client.sessionId === undefined ? {} : { 'Mcp-Session-Id': client.sessionId }
  const body = toLargeCall(id, 15 * 1024 * 1024)
  const outgoing = begin(url, {
    method: 'POST',
    path,
    headers: {
      Authorization: `Bearer ${token.value}`,
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
      ...session,
    },
  })
  const sent = { isSent: false, response: untilAnswered(outgoing) }
  outgoing.end(body, () => (sent.isSent = true))
  return sent
}
