import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { patientTimeouts } from '../../../../testing/gateway-bench.ts'
import { openPair, waitForTimers, type Pair } from '../../../../testing/http-pair.ts'
import { patience } from '../../../../testing/patience.ts'
import { toTool, type ServerLife } from '../../../../testing/scripted-server.ts'
import { toLine } from '../../../../testing/wire-message.ts'

/** Waits until all that the server said before has been seen to. */
async function passThrough({ client, life }: Pair): Promise<void> {
  const called = client.call('s__x')
  life.reply(await life.next('tools/call'))
  expect((await called).status).toBe(200)
}

describe('a stream for what belongs to no call', { timeout: 20_000 }, () => {
  function tell(life: ServerLife, uri: string): void {
    life.notify('notifications/resources/updated', `{"uri":"${uri}"}`)
  }

  async function subscribe({ client, life }: Pair, uri: string): Promise<void> {
    const subscribed = client.request('resources/subscribe', `{"uri":"${uri}"}`)
    life.reply(await life.next('resources/subscribe'))
    expect((await subscribed).status).toBe(200)
  }

  it('gets it, with ids, after an empty event', async () => {
    const pair = await openPair()
    await subscribe(pair, 'a:1')
    const stream = await pair.client.listen()
    expect(stream.headers['content-type']).toBe('text/event-stream')
    tell(pair.life, 'a:1')
    expect(await stream.nextMessage()).toMatchObject({ params: { uri: 'a:1' } })
    await pair.client.delete()
    expect(await stream.ended).toMatch(/^id: get1-0\ndata: \n\nid: get1-1\ndata: \{.*\}\n\n$/)
  })

  it('begins with what came before it was there', async () => {
    const pair = await openPair()
    await subscribe(pair, 'a:1')
    for (let count = 0; count < 70; count++) tell(pair.life, 'a:1')
    await passThrough(pair)
    const stream = await pair.client.listen()
    await vi.waitFor(() => {
      expect(stream.events.items).toHaveLength(65)
    }, patience)
  })

  it('is the one that was opened last and is still there, of several', async () => {
    const pair = await openPair()
    await subscribe(pair, 'a:1')
    const [first, second] = [await pair.client.listen(), await pair.client.listen()]
    tell(pair.life, 'a:1')
    expect(await second.nextMessage()).toMatchObject({ params: { uri: 'a:1' } })
    second.destroy()
    await second.ended
    await vi.waitFor(async () => {
      tell(pair.life, 'a:1')
      await passThrough(pair)
      expect(first.events.items.filter(({ data }) => data !== '')).not.toHaveLength(0)
    }, patience)
  })

  it('goes on where it was, with what came meanwhile', async () => {
    const pair = await openPair()
    await subscribe(pair, 'a:1')
    const first = await pair.client.listen()
    tell(pair.life, 'a:1')
    await first.nextMessage()
    tell(pair.life, 'a:1')
    await first.nextMessage()
    // The old connection may well seem open still: it gives way.
    const resumed = await pair.client.listen('get1-1')
    expect(await resumed.events.take('an event', () => true)).toMatchObject({ id: 'get1-2' })
    tell(pair.life, 'a:1')
    expect(await resumed.events.take('an event', () => true)).toMatchObject({ id: 'get1-3' })
    await first.ended
  })

  it('is a new one when the old one was forgotten', async () => {
    const pair = await openPair()
    await subscribe(pair, 'a:1')
    const first = await pair.client.listen()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    first.destroy()
    await first.ended
    await waitForTimers()
    vi.advanceTimersByTime(5 * 60_000)
    vi.useRealTimers()
    const second = await pair.client.listen('get1-5')
    expect(await second.events.take('an event', () => true)).toEqual({ id: 'get2-0', data: '' })
  })

  it.each(['get9-1', 'post1-1', 'x', 'get1', '-1', 'get1-x'])('is not found by %s', async (id) => {
    const { client } = await openPair()
    expect((await client.listen(id)).status).toBe(400)
  })

  it('may be one of eight', async () => {
    const { client } = await openPair()
    const streams = await Promise.all(Array.from({ length: 8 }, () => client.listen()))
    const ninth = await client.listen()
    expect([ninth.status, ninth.headers['retry-after']]).toEqual([429, '1'])
    streams[0]?.destroy()
    await vi.waitFor(async () => {
      expect((await client.listen()).status).toBe(200)
    }, patience)
  })
})

describe('a session that lies idle', { timeout: 20_000 }, () => {
  it('is ended, but not while a stream is open or a call in flight', async () => {
    const sessionLimits = { sessions: 10, spareMs: 60_000, restMs: 100, idleMs: 300 }
    const { client, life, connect, log } = await openPair('2025-11-25', { http: { sessionLimits } })
    const listener = connect()
    const called = client.call('s__x')
    await listener.open()
    const stream = await listener.listen()
    const idle = connect()
    await idle.open()
    await vi.waitFor(() => {
      expect(log.filter(({ message }) => message === 'A client left.')).toHaveLength(1)
    }, patience)
    expect((await idle.post(toLine('ping', undefined, '1'))).status).toBe(404)
    life.reply(await life.next('tools/call'))
    expect((await called).status).toBe(200)
    stream.destroy()
    await vi.waitFor(() => {
      expect(log.filter(({ message }) => message === 'A client left.')).toHaveLength(3)
    }, patience)
  })
})

describe('a session whose client is away', { timeout: 20_000 }, () => {
  const sessionLimits = { sessions: 10, spareMs: 60_000, restMs: 100, idleMs: 1e9 }
  const server = {
    script: { tools: [toTool('x')], resources: ['{"uri":"a:1","name":"a"}'] },
    config: { isolation: 'session', timeouts: patientTimeouts },
  } as const
  const subscribe = toLine('resources/subscribe', '{"uri":"a:1"}', '50')

  it('keeps no server for itself, and has another with its next call', async () => {
    const { client, bench, life } = await openPair('2025-11-25', {
      servers: { s: server },
      http: { sessionLimits },
    })
    const called = client.call('s__x')
    life.reply(await life.next('tools/call'))
    expect((await called).status).toBe(200)
    await life.ended
    const again = client.call('s__x')
    const other = await bench.server('s').nextLife()
    other.reply(await other.next('tools/call'), '{"n":2}')
    expect(await (await again).message()).toMatchObject({ result: { n: 2 } })
  })

  it('keeps the one that it waits for, and that it hears of', async () => {
    const { client, bench, connect, life } = await openPair('2025-11-25', {
      servers: { s: server },
      http: { sessionLimits },
    })
    const stream = await client.listen()
    const subscribed = client.post(subscribe)
    life.reply(await life.next('resources/subscribe'))
    expect((await subscribed).status).toBe(200)
    stream.destroy()
    const other = connect()
    await other.open()
    const called = other.call('s__x')
    const busy = await bench.server('s').nextLife()
    const call = await busy.next('tools/call')
    const third = connect()
    await third.open()
    const passing = third.call('s__x')
    const passed = await bench.server('s').nextLife()
    passed.reply(await passed.next('tools/call'))
    await passing
    // It was used last, and is gone first.
    await passed.ended
    busy.reply(call)
    expect((await called).status).toBe(200)
    const last = client.call('s__x')
    life.reply(await life.next('tools/call'))
    expect((await last).status).toBe(200)
  })
})
