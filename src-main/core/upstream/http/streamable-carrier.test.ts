import { describe, expect, it, vi } from 'vitest'
import { connectOverHttp, openHttpPair, openSession } from '../../../testing/http-connection.ts'
import { patience } from '../../../testing/patience.ts'
import { waitUntil } from '../../../testing/router-bench.ts'

describe('opening a session over HTTP', () => {
  it('asks for JSON or events, and sends the configured headers but not in place of its own', async () => {
    const { bench, connection } = await connectOverHttp({
      byHand: ['initialize'],
      headers: { Authorization: 'Bearer x', Accept: 'text/html', 'User-Agent': 'me' },
    })
    const request = await bench.nextPost('initialize')
    expect(request.headers).toMatchObject({
      authorization: 'Bearer x',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'user-agent': 'me',
      'accept-encoding': 'identity',
    })
    expect(request.headers).not.toHaveProperty('mcp-session-id')
    expect(request.headers).not.toHaveProperty('mcp-protocol-version')
    openSession(request)
    await connection.opened
  })

  it('sends nothing else before the server has taken “initialized”, and then session and revision with everything', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['notifications/initialized', 'GET'] })
    const asked = ask('tools/list')
    connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}')])
    const announcement = await bench.nextPost('notifications/initialized')
    expect(bench.requests).toHaveLength(2)
    announcement.answer(202)
    const request = await bench.nextPost('tools/list')
    request.result({ n: 1 })
    expect(await asked).toBe('{"n":1}')
    ;(await bench.next('GET')).answer(405)
    await connection.stop()
    const names = bench.requests.map(({ method, message }) => message.method ?? method)
    expect(names).toEqual(expect.arrayContaining(['tools/list', 'notifications/x', 'GET', 'DELETE']))
    for (const { headers } of bench.requests.slice(1)) {
      expect(headers).toMatchObject({
        'mcp-session-id': 'session-1',
        'mcp-protocol-version': '2025-11-25',
      })
    }
  })

  it('takes “initialized” for taken as soon as the answer to it begins', async () => {
    const { bench, ask } = await openHttpPair({ byHand: ['notifications/initialized'] })
    const asked = ask('x')
    ;(await bench.nextPost('notifications/initialized')).stream()
    ;(await bench.nextPost('x')).result()
    expect(await asked).toBe('{}')
  })

  it.each([
    ['an error of the connection', 'cut'],
    ['a refusal', 'refuse'],
  ])('goes on where “initialized” comes to %s', async (...[, how]) => {
    const { bench, ask } = await openHttpPair({ byHand: ['notifications/initialized'] })
    const asked = ask('x')
    const announcement = await bench.nextPost('notifications/initialized')
    if (how === 'cut') announcement.cut()
    else announcement.answer(500)
    ;(await bench.nextPost('x')).result()
    expect(await asked).toBe('{}')
  })

  it('works without a session id, and then says no farewell', async () => {
    const { bench, connection, ask } = await openHttpPair({ session: '' })
    const asked = ask('x')
    const request = await bench.nextPost('x')
    expect(request.headers).not.toHaveProperty('mcp-session-id')
    request.result()
    await asked
    await connection.stop()
    expect(bench.requests.map(({ method }) => method)).not.toContain('DELETE')
  })

  it('may be answered on a stream, with messages before the answer', async () => {
    const { bench, connection, told } = await connectOverHttp({ byHand: ['initialize'] })
    const stream = (await bench.nextPost('initialize')).stream({ 'mcp-session-id': 's' })
    stream.event({ method: 'notifications/message', params: {} })
    const result = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      serverInfo: { name: 'x', version: '1' },
    }
    stream.event({ id: 0, result })
    stream.end()
    await connection.opened
    await waitUntil('the early message is told', () => told.length > 0)
    expect(told).toEqual(['notification notifications/message @0'])
    await waitUntil('it is announced', () => bench.posted.length > 1)
    expect(bench.requests[1]?.headers).toMatchObject({
      'mcp-session-id': 's',
      'mcp-protocol-version': '2025-03-26',
    })
  })

  it.each([
    ['a stream that ends without the answer', 'it ended the answer before it was complete', 'lost'],
    ['nothing', 'it answered with nothing at all (HTTP 202)', 'refused'],
    [
      'a page',
      'it answered with text/html in place of JSON (HTTP 200); is this the address of an MCP server?',
      'refused',
    ],
    ['compressed bytes', 'it compressed its answer, though it was asked not to', 'refused'],
    ['401', 'it wants a sign-in or another key (HTTP 401)', 'refused'],
    ['503', 'it cannot take requests now (HTTP 503); it asks to be left alone for 3 s', 'unreachable'],
    ['a cut', /^the connection was cut/, 'lost'],
  ])('fails at once with the reason: %s', async (how, reason, kind) => {
    const { bench, connection, told } = await connectOverHttp({ byHand: ['initialize'] })
    const request = await bench.nextPost('initialize')
    const json = { 'content-type': 'application/json' }
    if (how === '401') request.answer(401)
    else if (how === '503') request.answer(503, { 'retry-after': '3' })
    else if (how === 'nothing') request.answer(202)
    else if (how === 'a page') request.answer(200, { 'content-type': 'text/html' }, '<html>')
    else if (how === 'a cut') request.cut()
    else if (how === 'compressed bytes') request.answer(200, { ...json, 'content-encoding': 'gzip' }, 'zzz')
    else request.stream().end('id: 1\n\n')
    await expect(connection.opened).rejects.toThrow(reason)
    expect(connection.end?.kind).toBe(kind)
    expect(connection.end?.reason).toMatch(reason)
    if (how === '503') expect(connection.end?.retryAfterMs).toBe(3000)
    expect(told).toHaveLength(1)
  })

  it('that the server refuses in JSON-RPC, whatever the status, fails with its words', async () => {
    const { bench, connection } = await connectOverHttp({ byHand: ['initialize'] })
    const body = '{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"too new"}}'
    ;(await bench.nextPost('initialize')).answer(400, { 'content-type': 'application/json' }, body)
    await expect(connection.opened).rejects.toThrow(/^it refused the opening “initialize”: “.*too new/)
  })
})

describe('the end of a session over HTTP', () => {
  it('is told to the server, which need not answer for long', async () => {
    const { bench, connection } = await openHttpPair({ byHand: ['DELETE'] })
    const stopped = connection.stop()
    const farewell = await bench.next('DELETE')
    expect(farewell.headers['mcp-session-id']).toBe('session-1')
    farewell.answer(405)
    await stopped
    await connection.stop()
  })

  it('does not wait for a server that says nothing to it', async () => {
    const { bench, connection } = await openHttpPair({ byHand: ['DELETE'] })
    const stopped = connection.stop()
    const farewell = await bench.next('DELETE')
    await stopped
    await farewell.closed
  })

  it('ends all that is under way', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['GET'] })
    const unasked = (await bench.next('GET')).stream()
    const asked = ask('x')
    const request = (await bench.nextPost('x')).stream()
    connection.abandon('we stopped it')
    expect(await asked).toBe('lost: we stopped it')
    await connection.stop()
    await Promise.all([unasked.closed, request.closed])
  })
})

describe('a server that does not keep up', () => {
  it('is congested until it has begun to answer', async () => {
    const { bench, connection, told } = await openHttpPair({ byHand: ['big'] })
    const big = Buffer.from(
      `{"jsonrpc":"2.0","id":9,"method":"big","params":"${'x'.repeat(33 * 1024 * 1024)}"}`,
    )
    connection.send([big], { asks: 9 })
    expect(connection.isCongested).toBe(true)
    const request = await bench.nextPost('big')
    expect(told).toEqual([])
    request.stream()
    await waitUntil('it is told', () => told.includes('drained'))
    expect(connection.isCongested).toBe(false)
  })

  it('is not read from while that is held', async () => {
    const { bench, connection, told, ask } = await openHttpPair({ byHand: ['GET', 'x'] })
    const unasked = (await bench.next('GET')).stream()
    unasked.event({ method: 'notifications/a' })
    await waitUntil('it is read', () => told.length === 1)
    connection.holdReading()
    const asked = ask('x')
    // The head is read; the stream behind it is not.
    ;(await bench.nextPost('x')).result({ n: 1 })
    let written = 0
    const text = `: ${'x'.repeat(2 ** 16)}\n`.repeat(16)
    while (unasked.write(text) || written < 64) written += 1
    unasked.event({ method: 'notifications/b' })
    expect(told).toHaveLength(1)
    connection.releaseReading()
    expect(await asked).toBe('{"n":1}')
    await vi.waitFor(() => {
      expect(told).toHaveLength(2)
    }, patience)
  })
})
