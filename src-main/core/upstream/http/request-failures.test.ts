import { describe, expect, it } from 'vitest'
import { openHttpPair } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'
import type { BenchRequest } from '../../../testing/upstream-http-bench.ts'

const json = { 'content-type': 'application/json' }

function sessionError(id: unknown, message = 'Session not found'): string {
  return JSON.stringify({ jsonrpc: '2.0', error: { code: -32001, message }, id })
}

describe('what becomes of a request that gets no answer', () => {
  it.each<[string, (request: BenchRequest) => void, string | RegExp, string[]]>([
    ['400', (one) => one.answer(400), 'failed: it refuses the request (HTTP 400)', []],
    ['401', (one) => one.answer(401), 'refused: it wants a sign-in or another key (HTTP 401)', []],
    ['403', (one) => one.answer(403), 'refused: it forbids this (HTTP 403)', []],
    ['405', (one) => one.answer(405), 'refused: it takes no such requests at its address (HTTP 405)', []],
    ['413', (one) => one.answer(413), 'refused: the request is too large for it (HTTP 413)', []],
    ['429', (one) => one.answer(429), 'refused: it gets too many requests (HTTP 429)', []],
    ['500', (one) => one.answer(500), 'failed: something went wrong in it (HTTP 500)', ['doubtful']],
    [
      '502',
      (one) => one.answer(502),
      'failed: what stands before it does not reach it (HTTP 502)',
      ['doubtful'],
    ],
    [
      'a redirect',
      (one) => one.answer(302, { location: '/x' }),
      /^refused: it sends us on to .*\/x \(HTTP 302\)/,
      [],
    ],
    ['304', (one) => one.answer(304), 'refused: it refuses the request (HTTP 304)', []],
    ['202', (one) => one.answer(202), 'failed: it answered with nothing at all (HTTP 202)', []],
    [
      'an empty body',
      (one) => one.answer(200, json),
      'failed: it answered with nothing at all (HTTP 200)',
      [],
    ],
    [
      'a page',
      (one) => one.answer(200, { 'content-type': 'text/html' }, '<p>'),
      /^failed: it answered with text\/html in place of JSON/,
      [],
    ],
    [
      'something without a type',
      (one) => one.answer(200, {}, 'x'),
      /^failed: it answered without saying what it is/,
      [],
    ],
    [
      'compressed JSON',
      (one) => one.answer(200, { ...json, 'content-encoding': 'gzip' }, 'zzz'),
      'failed: it compressed its answer, though it was asked not to',
      [],
    ],
    [
      'a notification',
      (one) => one.json({ jsonrpc: '2.0', method: 'notifications/x' }),
      'failed: what it answered is no answer to this (HTTP 200)',
      ['notification notifications/x @1'],
    ],
    ['a cut', (one) => one.cut(), /^failed: the connection was cut \(/, []],
    [
      'a cut amid JSON',
      (one) => one.begin(200, json).write('{') && one.cut(),
      /^failed: the connection was cut \(/,
      [],
    ],
    [
      'a stream that ends',
      (one) => one.stream().end('data: {}\n'),
      'failed: it ended the answer before it was complete',
      [],
    ],
  ])('after %s', async (...[, answer, outcome, told]) => {
    const pair = await openHttpPair({ byHand: ['x'] })
    const asked = pair.ask('x')
    answer(await pair.bench.nextPost('x'))
    expect(await asked).toEqual(typeof outcome === 'string' ? outcome : expect.stringMatching(outcome))
    expect(pair.told).toEqual(told)
    // The session goes on, and nothing was sent twice.
    const next = pair.ask('y')
    ;(await pair.bench.nextPost('y')).result()
    expect(await next).toBe('{}')
    expect(pair.bench.posted.filter((method) => method === 'x')).toHaveLength(1)
  })

  it('after the server has gone away', async () => {
    const { bench, ask, told } = await openHttpPair()
    bench.cutAll()
    await new Promise((resolve) => bench.server.close(resolve))
    expect(await ask('x')).toBe('refused: nothing listens at its address (ECONNREFUSED)')
    expect(told).toEqual(['doubtful'])
  })

  it('after an answer that is longer than allowed', async () => {
    const { bench, ask } = await openHttpPair({ messageBytes: 1000 })
    const asked = ask('x')
    ;(await bench.nextPost('x')).result('x'.repeat(2000))
    expect(await asked).toBe('failed: its answer is longer than limits.messageBytes allows')
  })

  it.each([
    ['whose id is text', (id: number) => `{"jsonrpc":"2.0","id":"${id}","result":"${'x'.repeat(2000)}"}`],
    ['whose id is behind', (id: number) => `{"result":"${'x'.repeat(2000)}","id":${id},"x":"y"}`],
  ])('after an answer that is too long %s, known by its stream', async (...[, toText]) => {
    const { bench, ask } = await openHttpPair({ messageBytes: 1000 })
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.write(`data: ${toText(stream.message.id ?? 0)}\n\n`)
    expect(await asked).toBe('failed: its answer is longer than limits.messageBytes allows')
    await stream.closed
  })

  it('goes on waiting after something else that was too long', async () => {
    const { bench, ask } = await openHttpPair({ messageBytes: 1000 })
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.event({ method: 'notifications/message', params: { result: 'x'.repeat(2000) } })
    stream.event({ id: stream.message.id, result: {} })
    expect(await asked).toBe('{}')
  })

  it('after an answer on a stream that is longer than allowed', async () => {
    const { bench, ask } = await openHttpPair({ messageBytes: 1000 })
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.event({ id: stream.message.id, result: 'x'.repeat(2000) })
    expect(await asked).toBe('lost: its answer is longer than limits.messageBytes allows')
    await stream.closed
  }, 20_000)
})

describe('an answer', () => {
  it.each<[string, (request: BenchRequest) => void, string]>([
    ['in JSON', (one) => one.result({ n: 1 }), '{"n":1}'],
    [
      'in JSON of several lines',
      (one) => one.answer(200, json, `\ufeff{\r\n"jsonrpc":"2.0","id":1,\n"result":{"n":1}}\n`),
      '{"n":1}',
    ],
    [
      'in an array behind another message',
      (one) =>
        one.json([
          { jsonrpc: '2.0', method: 'a' },
          { jsonrpc: '2.0', id: 1, result: 2 },
        ]),
      '2',
    ],
    [
      'with a status of an error',
      (one) => one.answer(500, json, '{"jsonrpc":"2.0","id":1,"error":{"code":1}}'),
      '{"code":1}',
    ],
    [
      'that some method is unknown, with 404',
      (one) => one.answer(404, json, sessionError(1, 'Method not found')),
      '{"code":-32001,"message":"Method not found"}',
    ],
    [
      'that speaks of a session of its own, with 400',
      (one) => one.answer(400, json, sessionError(1, 'Payment made, but the browser session is unknown')),
      '{"code":-32001,"message":"Payment made, but the browser session is unknown"}',
    ],
    [
      'that says “Session not found”, with 400',
      (one) => one.answer(400, json, sessionError(1)),
      '{"code":-32001,"message":"Session not found"}',
    ],
    [
      'on a stream',
      (one) =>
        one.stream().end('event: message\ndata: {"jsonrpc":"2.0",\ndata: "id":1,"result":{"n":1}}\n\n'),
      '{"n":1}',
    ],
    [
      'on a stream behind events of another type',
      (one) =>
        one
          .stream()
          .end(
            'event: x\ndata: {"jsonrpc":"2.0","id":1,"result":9}\n\ndata: {"jsonrpc":"2.0","id":1,"result":1}\n\n',
          ),
      '1',
    ],
  ])('%s', async (...[, answer, outcome]) => {
    const { bench, ask } = await openHttpPair({ byHand: ['x'] })
    const asked = ask('x')
    answer(await bench.nextPost('x'))
    expect(await asked).toBe(outcome)
  })

  it('to another request that came along is its answer', async () => {
    const { bench, ask } = await openHttpPair()
    const asked = [ask('x'), ask('y')]
    const requests = [await bench.nextPost('x'), await bench.nextPost('y')]
    requests[0]?.json(
      requests.map(({ message }) => ({ jsonrpc: '2.0', id: message.id, result: message.method })),
    )
    expect(await Promise.all(asked)).toEqual(['"x"', '"y"'])
  })

  it('may have messages before it, which are known to belong to the request', async () => {
    const { bench, ask, told } = await openHttpPair()
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.event({ method: 'notifications/message' })
    stream.event({ id: 'q', method: 'roots/list' })
    stream.event({ id: stream.message.id, result: {} })
    await asked
    expect(told).toEqual(['notification notifications/message @1', 'request roots/list @1'])
  })
})

describe('a session that the server has forgotten', () => {
  it.each<[string, (request: BenchRequest) => void]>([
    ['404', (one) => one.answer(404)],
    ['404 with an error about nothing', (one) => one.answer(404, json, sessionError(null))],
    ['404 with an answer that says so', (one) => one.answer(404, json, sessionError(one.message.id))],
    ['404 with an answer to nothing of ours', (one) => one.answer(404, json, sessionError('server-error'))],
    ['400 that says so', (one) => one.answer(400, json, sessionError(null, 'No valid session ID provided'))],
  ])('is known by %s; what is in flight goes on', async (...[, answer]) => {
    const { bench, ask, told, connection } = await openHttpPair({ byHand: ['x', 'y'] })
    const before = ask('y')
    const open = (await bench.nextPost('y')).stream()
    const asked = [ask('x'), ask('x')]
    for (const request of [await bench.nextPost('x'), await bench.nextPost('x')]) answer(request)
    expect(await Promise.all(asked)).toEqual(Array(2).fill('expired: the server has forgotten the session'))
    expect(told).toEqual(['expired'])
    open.event({ id: open.message.id, result: {} })
    expect(await before).toBe('{}')
    await connection.stop()
    expect(bench.requests.map(({ method }) => method)).not.toContain('DELETE')
  })

  it.each([404, 400])('cannot be where there is no session: %i refuses the request alone', async (status) => {
    const { bench, ask, told } = await openHttpPair({ session: '' })
    const asked = ask('x')
    ;(await bench.nextPost('x')).answer(status, json, sessionError(null))
    expect(await asked).toMatch(/^(?:refused|failed): .*“Session not found”/)
    expect(told).toEqual([])
  })

  it('is known by its stream as well', async () => {
    const { bench, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 1\n\n')
    ;(await bench.next('GET')).answer(404)
    await waitUntil('it is told', () => told.length > 0)
    expect(told).toEqual(['expired'])
  })
})
