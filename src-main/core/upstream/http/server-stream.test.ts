import { describe, expect, it, onTestFinished, vi } from 'vitest'
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
    for (const status of [500, 429, 503]) (await bench.next('GET')).answer(status)
    ;(await bench.next('GET')).stream().event(note)
    await waitUntil('it is told', () => told.includes('notification notifications/x'))
    // Whoever gets too many requests is there.
    expect(told.filter((one) => one === 'doubtful')).toHaveLength(2)
  })

  it.each([409, 401, 403, 400, 200])('is asked for again after %i, once it was there', async (status) => {
    const { bench, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 1\nid: 7\n\n')
    const refused = await bench.next('GET')
    expect(refused.headers['last-event-id']).toBe('7')
    refused.answer(status)
    const stream = await bench.next('GET')
    // The event to go on from may be what the server does not understand.
    expect(stream.headers['last-event-id']).toBe(status === 400 ? undefined : '7')
    stream.stream().event(note)
    await waitUntil('it is told', () => told.length > 0)
    expect(told).toEqual(['notification notifications/x'])
  })

  it.each([405, 501])('is not asked for again after %i: the server has none any more', async (status) => {
    const { bench, told, entries } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 1\n\n')
    ;(await bench.next('GET')).answer(status)
    await waitUntil('it is noted', () => entries.some(({ message }) => /no stream for what/.test(message)))
    expect(told).toEqual([])
  })

  it('need not be there (501) either', async () => {
    const { bench, told, entries } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(501)
    await waitUntil('it is noted', () => entries.some(({ message }) => /no stream for what/.test(message)))
    expect(told).toEqual([])
  })

  it('that is compressed is none', async () => {
    const { bench, entries } = await openHttpPair({ byHand: ['GET'] })
    const stream = (await bench.next('GET')).stream({ 'content-encoding': 'gzip' })
    await stream.closed
    await waitUntil('it is noted', () => entries.some(({ message }) => /no stream for what/.test(message)))
    expect(entries.map(({ fields }) => fields['reason'])).toContain(
      'it compressed its answer, though it was asked not to',
    )
  })

  it('is asked for again at most once a second when it brings nothing three times in a row', async () => {
    const { bench } = await openHttpPair({ byHand: ['GET'] })
    const times: number[] = []
    for (let count = 0; count < 4; count += 1) {
      const stream = (await bench.next('GET')).stream()
      times.push(performance.now())
      stream.end('retry: 0\nid: 1\ndata:\n\n')
    }
    await bench.next('GET')
    times.push(performance.now())
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThan(45)
    expect(Math.min(...gaps.slice(2))).toBeGreaterThan(950)
  })

  it('is asked for less and less often where it cannot be opened, whatever the server has named', async () => {
    const { bench } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream().end('retry: 0\n\n')
    for (let count = 0; count < 4; count += 1) (await bench.next('GET')).answer(503)
    const started = performance.now()
    await bench.next('GET')
    expect(performance.now() - started).toBeGreaterThan(1900)
  }, 20_000)

  it.each([
    ['ereignis-日本', Buffer.from('ereignis-日本').toString('latin1')],
    ['a\u0001b', undefined],
    ['x'.repeat(5000), undefined],
    ['', undefined],
  ])('goes on from an event whose id is %j as well as it can', async (id, header) => {
    const { bench } = await openHttpPair({ byHand: ['GET'] })
    const first = (await bench.next('GET')).stream()
    first.event(note, id)
    first.end('retry: 1\n\n')
    expect((await bench.next('GET')).headers['last-event-id']).toBe(header)
  })

  it('is opened anew where it is doubtful, from the last event on, but not over and over', async () => {
    const { bench, connection, told } = await openHttpPair({ byHand: ['GET'] })
    const first = (await bench.next('GET')).stream()
    first.event(note, '5')
    await waitUntil('it is told', () => told.length === 1)
    connection.checkNow()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
    onTestFinished(() => {
      clock.mockRestore()
    })
    connection.checkNow()
    connection.checkNow()
    await first.closed
    const second = await bench.next('GET')
    expect(second.headers['last-event-id']).toBe('5')
    second.stream().event(note)
    await waitUntil('the next is told', () => told.length === 2)
    expect(bench.requests.filter(({ method }) => method === 'GET')).toHaveLength(2)
    expect(told).not.toContain('doubtful')
  })

  it('that waits to be opened again is not opened sooner', async () => {
    const { bench, connection } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(503, { 'retry-after': '1' })
    const answered = performance.now()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
    onTestFinished(() => {
      clock.mockRestore()
    })
    const checks = setInterval(() => {
      connection.checkNow()
    }, 20)
    await bench.next('GET')
    clearInterval(checks)
    expect(performance.now() - answered).toBeGreaterThan(950)
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
