import { describe, expect, it } from 'vitest'
import {
  echoServer,
  openBench,
  restarted,
  withServers,
  type BenchServer,
} from '../../testing/router-bench.ts'
import { toTool } from '../../testing/scripted-server.ts'

const toolsChanged = 'notifications/tools/list_changed'

describe('a server that is started on demand', () => {
  const demand = { ...echoServer, config: { start: 'demand' } as const }

  it('starts when somebody first asks for its list, if nothing is known of it, and by itself never', async () => {
    const bench = await openBench({ servers: { a: demand } })
    bench.router.start()
    const client = await bench.open()
    expect(bench.pool('a').upstreams).toEqual([])
    expect((await client.request('tools/list')).result).toEqual({ tools: [] })
    await client.next(toolsChanged)
    expect(JSON.stringify((await client.request('tools/list')).result)).toContain('a__echo')
  })

  it('starts with a call by the name that its tools have', async () => {
    const bench = await openBench({ servers: { a: demand } })
    bench.router.start()
    const client = await bench.open()
    const answer = client.call('a__echo')
    const life = await bench.server('a').nextLife()
    life.reply(await life.next('tools/call'))
    expect((await answer).result).toEqual({})
  })

  it('stops when nothing was asked of it for a while, and starts with the next call', async () => {
    const bench = await openBench({
      servers: { a: { ...demand, config: { start: 'demand', idleStopSeconds: 0.2 } } },
    })
    bench.router.start()
    const client = await bench.open()
    const first = client.call('a__echo')
    const life = await bench.server('a').nextLife()
    life.reply(await life.next('tools/call'))
    await first
    await bench.until('a', 'stopped')
    await life.ended
    expect(bench.pool('a').stateFor(0)).toMatchObject({ reason: 'nothing was asked of it for 0.2 s' })
    expect(JSON.stringify((await client.request('tools/list')).result)).toContain('a__echo')
    const second = client.call('a__echo')
    const next = await bench.server('a').nextLife()
    next.reply(await next.next('tools/call'))
    expect((await second).result).toEqual({})
  })

  it('is neither started by a ping nor kept from being stopped by pings', async () => {
    const config = { start: 'demand', idleStopSeconds: 0.2 } as const
    const bench = await openBench({ servers: { a: { ...demand, config } } })
    bench.router.start()
    const alone = bench.connect('a')
    const opened = alone.open()
    const life = await bench.server('a').nextLife()
    await opened
    while (bench.pool('a').stateFor(0).state !== 'stopped') {
      const answer = alone.request('ping')
      void life.next('ping').then((ping) => {
        life.reply(ping)
      })
      expect((await answer).result).toEqual({})
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect((await alone.request('ping')).result).toEqual({})
    expect(bench.server('a').untaken).toBe(0)
  })

  it('is not stopped while a client is subscribed to something of it', async () => {
    const sleepy: BenchServer = { ...demand, config: { start: 'demand', idleStopSeconds: 0.05 } }
    const bench = await openBench({ servers: { a: sleepy, b: sleepy } })
    bench.router.start()
    const alone = bench.connect('a')
    const opened = alone.open()
    const life = await bench.server('a').nextLife()
    await opened
    const subscribed = alone.request('resources/subscribe', '{"uri":"x://1"}')
    life.reply(await life.next('resources/subscribe'))
    await subscribed
    // One that is used after it is stopped before.
    await bench.open('{}', 'b')
    await bench.until('b', 'stopped')
    expect(bench.pool('a').stateFor(0).state).toBe('ready')
    const unsubscribed = alone.request('resources/unsubscribe', '{"uri":"x://1"}')
    life.reply(await life.next('resources/unsubscribe'))
    await unsubscribed
    await bench.until('a', 'stopped')
  })

  it('starts at once when the configuration makes it an eager one', async () => {
    const bench = await openBench({ servers: { a: demand } })
    bench.router.start()
    await bench.router.apply(withServers(bench, { a: { start: 'eager' } }))
    await bench.server('a').nextLife()
  })

  it('is another when its command is: what the old one told is not told of the new one', async () => {
    const bench = await openBench({ servers: { a: demand } })
    bench.router.start()
    const client = await bench.open()
    await client.request('tools/list')
    await client.next(toolsChanged)
    const old = await bench.server('a').nextLife()
    bench.server('a').script = { ...echoServer.script, tools: [toTool('other')], instructions: 'new' }
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    const alone = bench.connect('a')
    expect((await alone.open()).result).toMatchObject({ instructions: 'new' })
    await old.ended
    await client.next(toolsChanged)
    expect(JSON.stringify((await client.request('tools/list')).result)).toContain('a__other')
  })

  it('is started to learn what it offers, also when it is not running as its command is changed', async () => {
    const config = { start: 'demand', idleStopSeconds: 0.05 } as const
    const bench = await openBench({ servers: { a: { ...demand, config } } })
    bench.router.start()
    const client = await bench.open()
    await client.request('tools/list')
    await client.next(toolsChanged)
    await bench.until('a', 'stopped')
    bench.server('a').script = { ...echoServer.script, tools: [toTool('other')] }
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    await client.request('tools/list')
    await client.next(toolsChanged)
    expect(JSON.stringify((await client.request('tools/list')).result)).toContain('a__other')
  })
})
