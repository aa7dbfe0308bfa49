import { describe, expect, it } from 'vitest'
import { openHttpPair } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'

describe('many requests at once', () => {
  it('are 128 at a time; notifications pass by, and an answer makes room at once though its stream stays open', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['many', 'last'] })
    const asked = Array.from({ length: 128 }, () => ask('many'))
    const last = ask('last')
    connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}')])
    await waitUntil('the notification is there', () => bench.posted.includes('notifications/x'))
    const first = (await bench.nextPost('many')).stream()
    expect(bench.posted).not.toContain('last')
    first.event({ id: first.message.id, result: { n: 1 } })
    expect(await asked[0]).toBe('{"n":1}')
    ;(await bench.nextPost('last')).result({ n: 2 })
    expect(await last).toBe('{"n":2}')
    // The stream is given some time to end by itself, and then cut.
    await first.closed
    expect(bench.posted.filter((method) => method === 'many')).toHaveLength(128)
  }, 20_000)

  it('let pings pass by when there are too many of them', async () => {
    const { bench, connection, ask } = await openHttpPair()
    for (let count = 0; count < 130; count += 1) void ask('many')
    const ping = connection.request('ping', undefined, 20_000)
    ;(await bench.nextPost('ping')).result()
    expect((await ping).kind).toBe('response')
  })

  it('leave their places to others as soon as they are taken back, though their streams stay open', async () => {
    const { bench, connection, ask } = await openHttpPair()
    const ids: number[] = []
    for (let count = 0; count < 128; count += 1) void ask('many', (id) => ids.push(id))
    const open = (await bench.nextPost('many')).stream()
    const next = ask('next')
    for (const id of ids) {
      connection.requests.withdraw(id)
      const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`
      connection.send([Buffer.from(cancel)], { cancels: id })
    }
    ;(await bench.nextPost('next')).result()
    expect(await next).toBe('{}')
    // Nobody ended it: it ends by itself.
    await open.closed
  }, 20_000)

  it('leave their places to others when they are answered elsewhere', async () => {
    const { bench, ask } = await openHttpPair({ byHand: ['GET'] })
    const unasked = (await bench.next('GET')).stream()
    const asked = Array.from({ length: 128 }, () => ask('many'))
    const first = await bench.nextPost('many')
    const next = ask('next')
    unasked.event({ id: first.message.id, result: { n: 1 } })
    expect(await asked[0]).toBe('{"n":1}')
    ;(await bench.nextPost('next')).result()
    expect(await next).toBe('{}')
  })

  it('leave their places to pings when they are answered elsewhere and nobody else calls', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['GET'] })
    const unasked = (await bench.next('GET')).stream()
    const asked = Array.from({ length: 128 }, () => ask('many'))
    for (let count = 0; count < asked.length; count += 1) {
      unasked.event({ id: (await bench.nextPost('many')).message.id, result: {} })
    }
    await Promise.all(asked)
    for (let count = 0; count < 20; count += 1) {
      const ping = connection.request('ping', undefined, 20_000)
      unasked.event({ id: (await bench.nextPost('ping')).message.id, result: {} })
      expect((await ping).kind).toBe('response')
    }
  }, 20_000)

  it('that are refused in a body without an end are refused all the same', async () => {
    const { bench, ask } = await openHttpPair({ byHand: ['x'] })
    const asked = ask('x')
    const request = (await bench.nextPost('x')).begin(400)
    request.write('no')
    expect(await asked).toContain('it refuses the request (HTTP 400)')
    await request.closed
  }, 20_000)

  it('that are taken back before they were sent never are', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['many', 'a', 'b', 'c'] })
    const asked = Array.from({ length: 128 }, () => ask('many'))
    let taken = 0
    const a = ask('a', (id) => (taken = id))
    const b = connection.request('b', {}, 20)
    const c = ask('c')
    connection.requests.withdraw(taken)
    const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}'
    connection.send([Buffer.from(cancel)], { cancels: taken })
    await expect(b).rejects.toThrow('it did not answer b within 0.02 s')
    ;(await bench.nextPost('many')).result()
    await asked[0]
    ;(await bench.nextPost('c')).result()
    expect(await c).toBe('{}')
    expect(bench.posted.filter((method) => method !== 'many')).toEqual([
      'initialize',
      'notifications/initialized',
      'c',
    ])
    void a
  })

  it('that are taken back later are taken back from the server as well', async () => {
    const { bench, connection, ask } = await openHttpPair({ byHand: ['x'] })
    let own = 0
    void ask('x', (id) => (own = id))
    await bench.nextPost('x')
    connection.send([Buffer.from('{"jsonrpc":"2.0","method":"notifications/cancelled"}')], { cancels: own })
    await waitUntil('it is told', () => bench.posted.includes('notifications/cancelled'))
  })

  it('of which nothing is wanted any more are cut off', async () => {
    const { bench, connection } = await openHttpPair({ byHand: ['x'] })
    const asked = connection.request('x', {}, 300)
    const request = (await bench.nextPost('x')).stream()
    await expect(asked).rejects.toThrow('it did not answer x within 0.3 s')
    await request.closed
  })
})
