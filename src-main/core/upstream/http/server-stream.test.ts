import { describe, expect, it, vi } from 'vitest'
import { openHttpPair } from '../../../testing/http-connection.ts'
import { patience } from '../../../testing/patience.ts'
import { waitUntil } from '../../../testing/router-bench.ts'

const note = { method: 'notifications/x' }

describe('the stream for what a server says unasked', () => {
  it.each([405, 404, 400, 200])('need not be there (%i): the session goes on without', async (status) => {
    const { bench, ask, told, entries } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(status)
    await waitUntil('it is noted', () =>
      entries.some(({ message }) => /no stream for what it says/.test(message)),
    )
    const asked = ask('x')
    ;(await bench.nextPost('x')).result()
    expect(await asked).toBe('{}')
    expect(told).toEqual([])
    expect(bench.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
  })

  it('is asked for after the opening, with session and revision, and brings what is about no request', async () => {
    const { bench, told } = await openHttpPair({ byHand: ['GET'] })
    const stream = await bench.next('GET')
    expect(stream.headers).toMatchObject({
      accept: 'text/event-stream',
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-11-25',
    })
    expect(stream.headers).not.toHaveProperty('last-event-id')
    stream.stream().event(note)
    stream.event({ id: 1, method: 'roots/list' })
    await waitUntil('both are told', () => told.length === 2)
    expect(told).toEqual(['notification notifications/x', 'request roots/list'])
  })

  it.each(['ends', 'breaks'])(
    'is asked for again when it %s, from the last event on and after as long as the server says',
    async (how) => {
      const { bench, told } = await openHttpPair({ byHand: ['GET'] })
      const first = (await bench.next('GET')).stream()
      first.write('retry: 100\n\n')
      first.event(note, 'e-1')
      first.event(note, 'e-2')
      await waitUntil('both are told', () => told.length === 2)
      const started = performance.now()
      if (how === 'ends') first.end()
      else first.cut()
      const second = await bench.next('GET')
      expect(performance.now() - started).toBeGreaterThan(90)
      expect(second.headers).toMatchObject({ 'last-event-id': 'e-2', 'mcp-session-id': 'session-1' })
      second.stream().event(note)
      await waitUntil('the third is told', () => told.length === 3)
      expect(told).not.toContain('doubtful')
    },
  )

  it('is asked for again after ever longer times where the server names none', async () => {
    const { bench } = await openHttpPair({ byHand: ['GET'] })
    const times: number[] = []
    for (const index of [0, 1]) {
      const stream = await bench.next('GET')
      times.push(performance.now())
      if (index === 0) stream.stream().end()
      else stream.answer(503)
    }
    await vi.waitFor(() => bench.next('GET'), patience)
    times.push(performance.now())
    const [first = 0, second = 0, third = 0] = times
    expect(second - first).toBeGreaterThan(900)
    expect(third - second).toBeGreaterThan(1900)
  })

  it('is asked for again when the server cannot now, and where it does not say so itself that is doubtful', async () => {
    const { bench, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 1\n\n')
    for (const status of [500, 429, 503, 502, 500, 500, 500]) (await bench.next('GET')).answer(status)
    ;(await bench.next('GET')).stream().event(note)
    await waitUntil('it is told', () => told.includes('notification notifications/x'))
    // Whoever gets too many requests is there.
    expect(told.filter((one) => one === 'doubtful')).toHaveLength(6)
  })

  it('is left alone for as long as the server asks', async () => {
    const { bench } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 1\n\n')
    const started = performance.now()
    ;(await bench.next('GET')).answer(503, { 'retry-after': '1' })
    await bench.next('GET')
    expect(performance.now() - started).toBeGreaterThan(950)
  })

  it('is asked for no more once the session is over', async () => {
    const { bench, connection } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 100\n\n')
    await connection.stop()
    const { length } = bench.requests
    // Longer than the stream would have waited.
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(bench.requests).toHaveLength(length)
  })

  it('passes over an event that is too long', async () => {
    const { bench, told, entries } = await openHttpPair({ byHand: ['GET'], messageBytes: 1000 })
    const stream = (await bench.next('GET')).stream()
    stream.event({ ...note, params: 'x'.repeat(2000) })
    stream.event(note)
    await waitUntil('the next is told', () => told.length > 0)
    expect(told).toEqual(['notification notifications/x'])
    expect(entries.map(({ message }) => message).join()).toContain('longer than limits.messageBytes')
  })
})

describe('the stream of a request', () => {
  it('is taken up again where it broke, with what belongs to it', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    const first = (await bench.nextPost('x')).stream()
    first.write('id: p-1\nretry: 1\ndata:\n\n')
    first.event({ method: 'notifications/a' }, 'p-2')
    await waitUntil('it is told', () => told.length === 1)
    first.cut()
    const second = await bench.next('GET')
    expect(second.headers['last-event-id']).toBe('p-2')
    second.stream().event({ method: 'notifications/b' }, 'p-3')
    second.event({ id: first.message.id, result: { n: 1 } })
    expect(await asked).toBe('{"n":1}')
    expect(told).toEqual(['notification notifications/a @1', 'notification notifications/b @1'])
    expect(bench.posted.filter((method) => method === 'x')).toHaveLength(1)
  })

  it('is asked for again and again while the server says something each time', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    const first = (await bench.nextPost('x')).stream()
    first.end('id: 0\nretry: 1\ndata:\n\n')
    for (let poll = 1; poll <= 8; poll += 1) {
      const stream = await bench.next('GET')
      expect(stream.headers['last-event-id']).toBe(String(poll - 1))
      stream.stream().event({ method: 'notifications/a' }, String(poll))
      stream.end()
    }
    ;(await bench.next('GET')).stream().event({ id: first.message.id, result: {} })
    expect(await asked).toBe('{}')
    expect(told).toEqual(Array(8).fill('notification notifications/a @1'))
  })

  it('is given up when it cannot be taken up again five times in a row', async () => {
    const { bench, ask } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    ;(await bench.nextPost('x')).stream().end('id: 0\nretry: 1\ndata:\n\n')
    for (let times = 0; times < 5; times += 1) (await bench.next('GET')).answer(503)
    expect(await asked).toMatch(/^failed: it cannot take requests now \(HTTP 503\)/)
  })

  it('of a server that went away fails: the call may have had effect', async () => {
    const { bench, ask, told } = await openHttpPair()
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.event({ method: 'notifications/a' }, '1')
    stream.write('retry: 1\n\n')
    await waitUntil('it is told', () => told.length === 1)
    const closed = new Promise((resolve) => bench.server.close(resolve))
    bench.cutAll()
    await closed
    expect(await asked).toBe('failed: nothing listens at its address (ECONNREFUSED)')
    expect(told).toContain('doubtful')
  })

  it('is given up at once without an event to go on from', async () => {
    const { bench, ask } = await openHttpPair()
    const asked = ask('x')
    ;(await bench.nextPost('x')).stream().end('data: {"jsonrpc":"2.0","method":"notifications/a"}\n\n')
    expect(await asked).toBe('failed: it ended the answer before it was complete')
    expect(bench.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
  })

  it.each([405, 400, 401, 200])(
    'is given up where streams cannot be taken up (%i): the call may have had effect',
    async (status) => {
      const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
      ;(await bench.next('GET')).answer(405)
      const asked = ask('x')
      ;(await bench.nextPost('x')).stream().end('id: 0\nretry: 1\ndata:\n\n')
      ;(await bench.next('GET')).answer(status)
      expect(await asked).toBe('failed: it ended the answer before it was complete')
      expect(told).toEqual([])
    },
  )

  it('of a session that was forgotten fails, and is not asked a second time', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    ;(await bench.nextPost('x')).stream().end('id: 0\nretry: 1\ndata:\n\n')
    ;(await bench.next('GET')).answer(404)
    expect(await asked).toBe('failed: it ended the answer before it was complete')
    expect(told).toEqual(['expired'])
  })

  it('is not asked for again once the answer has come', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    const stream = (await bench.nextPost('x')).stream()
    stream.write('retry: 1\n\n')
    stream.event({ id: stream.message.id, result: {} }, '1')
    stream.end()
    await asked
    const next = ask('y')
    ;(await bench.nextPost('y')).result()
    await next
    // Longer than the stream would have waited.
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(bench.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
    expect(told).toEqual([])
  })
})
