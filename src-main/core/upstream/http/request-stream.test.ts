import { describe, expect, it } from 'vitest'
import { openHttpPair } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'

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

  it('is taken up again after 409: the server may not have noticed yet that it broke', async () => {
    const { bench, ask } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(405)
    const asked = ask('x')
    const first = (await bench.nextPost('x')).stream().end('id: 0\nretry: 1\ndata:\n\n')
    ;(await bench.next('GET')).answer(409)
    ;(await bench.next('GET')).stream().event({ id: first.message.id, result: {} })
    expect(await asked).toBe('{}')
  })

  it('fails alone after 404 where the server has never given a stream that it was asked for', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).answer(404)
    const asked = ask('x')
    ;(await bench.nextPost('x')).stream().end('id: 0\nretry: 1\ndata:\n\n')
    ;(await bench.next('GET')).answer(404)
    expect(await asked).toBe('failed: it ended the answer before it was complete')
    expect(told).toEqual([])
  })

  it('of a session that was forgotten fails, and is not asked a second time', async () => {
    const { bench, ask, told } = await openHttpPair({ byHand: ['GET'] })
    ;(await bench.next('GET')).stream()
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
