import { describe, expect, it } from 'vitest'
import { toOpening } from '../../../testing/fake-carrier.ts'
import { connectOverHttp, type HttpPair, type HttpPairOptions } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'
import type { BenchRequest } from '../../../testing/upstream-http-bench.ts'

interface SsePair extends HttpPair {
  /** The one stream of the session. */
  readonly stream: BenchRequest
}

const byHand = ['GET', 'initialize', 'notifications/initialized']

/** Opens the stream and tells where to post to. */
async function open(endpoint: string, options: HttpPairOptions = {}): Promise<SsePair> {
  const pair = await connectOverHttp({ type: 'sse', byHand, ...options })
  const stream = (await pair.bench.next('GET')).stream()
  stream.write(`event: endpoint\ndata: ${endpoint}\n\n`)
  return { ...pair, stream }
}

/** Opens a session as well. */
async function openSession(options: HttpPairOptions = {}): Promise<SsePair> {
  const pair = await open('/messages?s=1', options)
  const request = await pair.bench.nextPost('initialize')
  request.answer(202)
  pair.stream.event({ id: request.message.id, result: toOpening() })
  await pair.connection.opened
  ;(await pair.bench.nextPost('notifications/initialized')).answer(202)
  await new Promise(setImmediate)
  return pair
}

describe('a session over HTTP+SSE', () => {
  it.each([
    ['/messages?s=1', '/messages?s=1'],
    ['messages', '/messages'],
    ['?s=2', '/mcp?s=2'],
    ['ORIGIN/m', '/m'],
  ])('posts to the address that the server tells: %s', async (endpoint, path) => {
    const pair = await connectOverHttp({ type: 'sse', byHand, headers: { Authorization: 'Bearer x' } })
    const stream = (await pair.bench.next('GET')).stream()
    expect(stream.headers).toMatchObject({ accept: 'text/event-stream', authorization: 'Bearer x' })
    stream.write(`event: endpoint\ndata: ${endpoint.replace('ORIGIN', pair.bench.origin)}\n\n`)
    const request = await pair.bench.nextPost('initialize')
    expect([request.path, request.headers.authorization]).toEqual([path, 'Bearer x'])
  })

  it('has everything from the server on one stream, and the revision with everything after the opening', async () => {
    const { bench, stream, ask, told } = await openSession()
    const asked = ask('x')
    const request = await bench.nextPost('x')
    expect(request.headers).toMatchObject({
      'mcp-protocol-version': '2025-11-25',
      'content-type': 'application/json',
    })
    request.answer(202, {}, 'Accepted')
    stream.event({ method: 'notifications/a' })
    stream.event({ id: request.message.id, result: { n: 1 } })
    expect(await asked).toBe('{"n":1}')
    expect(told).toEqual(['notification notifications/a'])
  })

  it.each(['http://127.0.0.1:9/m', 'http://[', 'file:///m'])(
    'refuses to post to another server: %s',
    async (endpoint) => {
      const { bench, connection, stream } = await open(endpoint)
      await expect(connection.opened).rejects.toThrow(
        'it wants messages to be sent to another address than its own',
      )
      expect(connection.end?.kind).toBe('refused')
      await stream.closed
      expect(bench.posted).toEqual([])
    },
  )

  it.each<[string, (get: BenchRequest) => unknown, string, string]>([
    ['401', (get) => get.answer(401), 'refused', 'it wants a sign-in or another key (HTTP 401)'],
    [
      '503',
      (get) => get.answer(503, { 'retry-after': '2' }),
      'unreachable',
      'it cannot take requests now (HTTP 503); it asks to be left alone for 2 s',
    ],
    [
      'a page',
      (get) => get.answer(200, { 'content-type': 'text/html' }),
      'refused',
      'it answered with text/html in place of JSON (HTTP 200); is this the address of an MCP server?',
    ],
    [
      'a compressed stream',
      (get) => get.stream({ 'content-encoding': 'gzip' }),
      'refused',
      'it compressed its answer, though it was asked not to',
    ],
    ['an end', (get) => get.stream().end(), 'lost', 'it ended its event stream'],
    ['a cut', (get) => get.stream().cut(), 'lost', 'the connection was cut (UND_ERR_SOCKET)'],
  ])('is not opened after %s', async (...[, answer, kind, reason]) => {
    const { bench, connection, told } = await connectOverHttp({ type: 'sse', byHand })
    answer(await bench.next('GET'))
    await expect(connection.opened).rejects.toThrow(reason)
    expect(connection.end).toMatchObject({ kind, reason })
    expect(told).toEqual([`closed: ${reason}`])
  })

  it('is not opened when the server does not take the opening', async () => {
    const { bench, connection } = await open('/messages')
    ;(await bench.nextPost('initialize')).answer(403)
    await expect(connection.opened).rejects.toThrow('it forbids this (HTTP 403)')
  })

  it('sends nothing else before the server has taken “initialized”', async () => {
    const pair = await open('/messages?s=1')
    const request = await pair.bench.nextPost('initialize')
    request.answer(202)
    pair.stream.event({ id: request.message.id, result: toOpening() })
    await pair.connection.opened
    const announcement = await pair.bench.nextPost('notifications/initialized')
    void pair.ask('x')
    pair.connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}')])
    // They would have come before what is sent now.
    const later = fetch(pair.bench.origin, { method: 'HEAD' })
    ;(await pair.bench.next('HEAD')).answer(204)
    await later
    expect(pair.bench.posted).toEqual(['initialize', 'notifications/initialized'])
    announcement.answer(202)
    await pair.bench.nextPost('x')
    await waitUntil('the rest comes as well', () => pair.bench.posted.includes('notifications/x'))
  })

  it('has at most 128 requests that the server has not taken, and lets pings pass', async () => {
    const { bench, ask, connection } = await openSession()
    for (let count = 0; count < 128; count += 1) void ask('many')
    let unsent = 0
    void ask('never', (id) => (unsent = id))
    void ask('last')
    void connection.request('ping', undefined, 20_000).catch(() => undefined)
    ;(await bench.nextPost('ping')).answer(202)
    connection.requests.withdraw(unsent)
    connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/cancelled"}')], {
      cancels: unsent,
    })
    expect(bench.posted).not.toContain('last')
    ;(await bench.nextPost('many')).answer(202)
    await bench.nextPost('last')
    expect(bench.posted).not.toContain('never')
    expect(bench.posted).not.toContain('notifications/cancelled')
  })

  it('gives places to others once requests are taken back or answered, though nobody acknowledges them', async () => {
    const { bench, stream, ask, connection } = await openSession()
    const ids: number[] = []
    const asked = Array.from({ length: 128 }, () => ask('many', (id) => ids.push(id)))
    const next = ask('next')
    await bench.nextPost('many')
    stream.event({ id: ids[0] ?? 0, result: {} })
    expect(await asked[0]).toBe('{}')
    await bench.nextPost('next')
    const last = ask('last')
    for (const id of ids.slice(1)) {
      connection.requests.withdraw(id)
      connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/cancelled"}')], { cancels: id })
    }
    await bench.nextPost('last')
    for (const one of [next, last]) one.catch(() => undefined)
  })

  it('goes on after a server has refused “initialized” without an end', async () => {
    const pair = await open('/messages?s=1')
    const request = await pair.bench.nextPost('initialize')
    request.answer(202)
    pair.stream.event({ id: request.message.id, result: toOpening() })
    await pair.connection.opened
    ;(await pair.bench.nextPost('notifications/initialized')).begin(400).write('x')
    void pair.ask('x')
    await pair.bench.nextPost('x')
  }, 20_000)

  it('takes an acknowledgement for what it is, however it goes on', async () => {
    const { bench, ask, stream } = await openSession()
    const asked = [ask('x'), ask('x')]
    const requests = [await bench.nextPost('x'), await bench.nextPost('x')]
    requests[0]?.begin(202).write('Acc')
    requests[1]?.stream()
    // What is open without need is cut by us, or by the server.
    await requests[1]?.closed
    requests[0]?.cut()
    for (const request of requests) stream.event({ id: request.message.id, result: {} })
    expect(await Promise.all(asked)).toEqual(['{}', '{}'])
  })

  it('is forgotten when there is nothing any more where to post to', async () => {
    const { bench, ask, told } = await openSession()
    const asked = [ask('x'), ask('x')]
    for (const request of [await bench.nextPost('x'), await bench.nextPost('x')]) request.answer(404)
    expect(await Promise.all(asked)).toEqual(
      Array(2).fill('expired: there is nothing at its address (HTTP 404)'),
    )
    expect(told).toEqual(['expired'])
  })

  it('is opened anew by nobody: its stream is the session', async () => {
    const { bench, connection } = await openSession()
    connection.checkNow()
    void connection.request('x', {}, 20_000).catch(() => undefined)
    await bench.nextPost('x')
    expect(bench.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
  })

  it('is over when its stream is', async () => {
    const { bench, stream, ask, told } = await openSession()
    const asked = ask('x')
    ;(await bench.nextPost('x')).answer(202)
    stream.end()
    expect(await asked).toBe('lost: it ended its event stream')
    expect(told).toEqual(['closed: it ended its event stream'])
  })

  it.each<[string, (one: BenchRequest) => unknown, string, string[]]>([
    ['400', (one) => one.answer(400), 'failed: it refuses the request (HTTP 400)', []],
    ['500', (one) => one.answer(500), 'failed: something went wrong in it (HTTP 500)', ['doubtful']],
    ['a cut', (one) => one.cut(), 'failed: the connection was cut (UND_ERR_SOCKET)', []],
  ])('goes on after a request that the server did not take: %s', async (...[, answer, outcome, doubts]) => {
    const { bench, ask, told, stream, entries, connection } = await openSession()
    const asked = ask('x')
    answer(await bench.nextPost('x'))
    expect(await asked).toBe(outcome)
    expect(told).toEqual(doubts)
    connection.send([Buffer.from('{"jsonrpc":"2.0","method":"vendor/x"}')])
    answer(await bench.nextPost('vendor/x'))
    await waitUntil('it is noted', () => entries.some(({ message }) => /did not take/.test(message)))
    const next = ask('y')
    const request = await bench.nextPost('y')
    request.answer(202)
    stream.event({ id: request.message.id, result: {} })
    expect(await next).toBe('{}')
  })

  it('is not read from while that is held, and cut when it is ended', async () => {
    const { connection, stream, told } = await openSession()
    connection.holdReading()
    const text = `: ${'x'.repeat(2 ** 16)}\n`.repeat(16)
    let written = 0
    while (stream.write(text) || written < 64) written += 1
    stream.event({ method: 'notifications/a' })
    expect(told).toEqual([])
    connection.releaseReading()
    await waitUntil('it is told', () => told.length === 1)
    expect(await connection.isSuspended()).toBe(false)
    await connection.stop()
    await stream.closed
    connection.send([Buffer.from('{}')])
  })

  it('is congested until the server has taken enough', async () => {
    const { bench, connection, told } = await openSession()
    connection.send([Buffer.from(`{"jsonrpc":"2.0","method":"big","params":"${'x'.repeat(33 * 2 ** 20)}"}`)])
    expect(connection.isCongested).toBe(true)
    ;(await bench.nextPost('big')).answer(202)
    await waitUntil('it is told', () => told.includes('drained'))
  })

  it('keeps nothing of a request of which nothing is wanted any more', async () => {
    const { bench, connection, stream, told } = await openSession()
    const asked = connection.request('x', {}, 100)
    const request = await bench.nextPost('x')
    request.answer(202)
    await expect(asked).rejects.toThrow('it did not answer x')
    stream.event({ id: request.message.id, result: {} })
    stream.event({ method: 'notifications/a' })
    await waitUntil('the next is told', () => told.length > 0)
    expect(told).toEqual(['notification notifications/a'])
  })
})
