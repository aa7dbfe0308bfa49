import { describe, expect, it } from 'vitest'
import { echoServer, openBench, openEchoes, restarted, withServers } from '../../testing/router-bench.ts'

const toolsChanged = 'notifications/tools/list_changed'

describe('another configuration', () => {
  it('lets a call in flight on a server that did not change come to its end there', async () => {
    const { bench, a, client } = await openEchoes()
    const answer = client.call('a__echo')
    const call = await a.next('tools/call')
    await bench.router.apply(withServers(bench, { b: restarted(bench, 'b'), a: { startDelayMs: 7 } }))
    await bench.server('b').nextLife()
    a.reply(call, '{"content":[]}')
    expect((await answer).result).toEqual({ content: [] })
    expect(bench.server('a').untaken).toBe(0)
  })

  it('lets a call in flight end before it starts its server anew; calls after it wait for the new one', async () => {
    const { bench, b, client } = await openEchoes()
    const early = client.call('b__echo')
    const call = await b.next('tools/call')
    await bench.router.apply(withServers(bench, { b: restarted(bench, 'b') }))
    const late = client.call('b__echo', '{"late":1}')
    expect(bench.pool('b').stateFor(0).state).toBe('starting')
    expect(bench.server('b').untaken).toBe(0)
    b.reply(call, '{"old":1}')
    expect((await early).result).toEqual({ old: 1 })
    await b.ended
    const next = await bench.server('b').nextLife()
    next.reply(await next.next('tools/call'), '{"new":1}')
    expect((await late).result).toEqual({ new: 1 })
  })

  it('has a subscription that was on its way follow to the process that comes in the place of its own', async () => {
    const bench = await openBench({ servers: { a: { ...echoServer, config: { isolation: 'session' } } } })
    bench.router.start()
    const own = await bench.server('a').nextLife()
    const client = await bench.open('{}', 'a')
    const answer = client.request('resources/subscribe', '{"uri":"x://1"}')
    const request = await own.next('resources/subscribe')
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    own.reply(request)
    expect((await answer).result).toEqual({})
    await own.ended
    for (;;) {
      // The spare one is of nobody; the client's own hears of the subscription.
      const next = await bench.server('a').nextLife()
      const heard = await next.next('resources/subscribe').catch(() => undefined)
      if (heard !== undefined) break
    }
  })

  it('does not take what the old program asks while it ends for a habit of the new one', async () => {
    const { bench, b, client } = await openEchoes()
    const answer = client.call('b__echo')
    const call = await b.next('tools/call')
    await bench.router.apply(withServers(bench, { b: restarted(bench, 'b') }))
    b.write('{"jsonrpc":"2.0","id":"q","method":"roots/list"}')
    await b.answerTo('"q"')
    b.reply(call)
    await answer
    await bench.until('b', 'ready')
    expect(bench.pool('b').isPerSession).toBe(false)
  })

  it('that keeps calls waiting does not keep the app from closing', async () => {
    const { bench, a, b, client } = await openEchoes()
    void client.call('a__echo')
    void client.call('b__echo')
    await Promise.all([a.next('tools/call'), b.next('tools/call')])
    await bench.router.apply(withServers(bench, { a: { enabled: false }, b: restarted(bench, 'b') }))
    const start = performance.now()
    await bench.router.close()
    expect(performance.now() - start).toBeLessThan(4000)
    await Promise.all([a.ended, b.ended])
    expect(bench.server('b').untaken).toBe(0)
  })

  it('tells clients when the changed server is back, of the whole and of it alone', async () => {
    const { bench, client } = await openEchoes()
    const [alone, other] = [await bench.open('{}', 'b'), await bench.open('{}', 'a')]
    await bench.router.apply(withServers(bench, { b: restarted(bench, 'b') }))
    await Promise.all([client.next(toolsChanged), alone.next(toolsChanged)])
    expect(other.methods).toEqual([])
  })

  it('subscribes anew where a client had subscribed', async () => {
    const { bench, b, client } = await openEchoes()
    const uri = 'patchbay://b/x%3A%2F%2F1'
    const answer = client.request('resources/subscribe', `{"uri":"${uri}"}`)
    b.reply(await b.next('resources/subscribe'))
    await answer
    await bench.router.apply(withServers(bench, { b: restarted(bench, 'b') }))
    const next = await bench.server('b').nextLife()
    next.reply(await next.next('resources/subscribe'))
    next.notify('notifications/resources/updated', '{"uri":"x://1"}')
    expect((await client.next('notifications/resources/updated')).params).toEqual({ uri })
  })

  it('leaves a process alone whose settings it can take on', async () => {
    const { bench, client } = await openEchoes()
    const timeouts = { connectSeconds: 9, requestSeconds: 9, resetOnProgress: false }
    await bench.router.apply(withServers(bench, { a: { timeouts, idleStopSeconds: 60 } }))
    expect(bench.pool('a').server.timeouts.requestSeconds).toBe(9)
    expect(bench.pool('a').upstreams[0]?.server.idleStopSeconds).toBe(60)
    expect([bench.server('a').untaken, client.methods]).toEqual([0, []])
  })

  it('ends the wait before a start, if that is what it changes', async () => {
    const bench = await openBench({ servers: { a: { ...echoServer, config: { startDelayMs: 600_000 } } } })
    bench.router.start()
    const client = await bench.open()
    const answer = client.call('a__echo')
    await bench.router.apply(withServers(bench, { a: { startDelayMs: 0 } }))
    const life = await bench.server('a').nextLife()
    life.reply(await life.next('tools/call'))
    expect((await answer).result).toEqual({})
  })

  it('starts a server that kept failing, if its way of starting is another', async () => {
    const bench = await openBench({
      servers: {
        a: {
          script: { isBroken: true },
          config: {
            restart: { enabled: true, max: 0, windowSeconds: 9, delayMs: 1, maxDelayMs: 1, jitter: false },
          },
        },
      },
    })
    bench.router.start()
    await bench.until('a', 'crash-loop')
    const tools = { disabled: ['echo'] }
    await bench.router.apply(withServers(bench, { a: { tools } }))
    expect(bench.pool('a').stateFor(0).state).toBe('crash-loop')
    await bench.router.apply(withServers(bench, { a: { tools, ...restarted(bench, 'a') } }))
    await bench.until('a', 'starting')
    await bench.until('a', 'crash-loop')
    bench.server('a').script = echoServer.script
    const timeouts = { connectSeconds: 9, requestSeconds: 9, resetOnProgress: true }
    await bench.router.apply(withServers(bench, { a: { tools, timeouts, ...restarted(bench, 'a') } }))
    await bench.until('a', 'ready')
  })

  it('has calls that wait for a server wait for the one that comes in its place', async () => {
    const byHand = {
      script: { ...echoServer.script, isOpenedByHand: true },
      config: { isolation: 'session' } as const,
    }
    const bench = await openBench({ servers: { a: byHand } })
    bench.router.start()
    const client = await bench.open()
    const answer = client.call('a__echo')
    await bench.server('a').nextLife()
    bench.server('a').script = echoServer.script
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    const next = await bench.server('a').nextLife()
    next.reply(await next.next('tools/call'), '{"new":1}')
    expect((await answer).result).toEqual({ new: 1 })
  })

  it('starts nothing for a client that left while it waited for its own process', async () => {
    const byHand = {
      script: { ...echoServer.script, isOpenedByHand: true },
      config: { isolation: 'session' } as const,
    }
    const bench = await openBench({ servers: { a: byHand } })
    bench.router.start()
    const [one, two] = [await bench.open(), await bench.open('{}', undefined)]
    void one.call('a__echo')
    void two.request('vendor/unknown', '{"name":"a__echo"}')
    void two.call('a__echo')
    const lives = [await bench.server('a').nextLife(), await bench.server('a').nextLife()]
    one.close()
    two.close()
    await Promise.all(lives.map((life) => life.ended))
    expect(bench.server('a').untaken).toBe(0)
    expect(bench.pool('a').upstreams).toEqual([])
  })

  it('answers whoever waited for the subscription of another when the server is switched off', async () => {
    const { bench, b, client } = await openEchoes()
    const [one, two] = [await bench.open('{}', 'b'), await bench.open('{}', 'b')]
    void one.request('resources/subscribe', '{"uri":"x://1"}')
    await b.next('resources/subscribe')
    const answer = two.request('resources/subscribe', '{"uri":"x://1"}')
    await bench.router.apply(withServers(bench, { b: { enabled: false } }))
    expect((await answer).error?.message).toContain('try again')
    await client.next(toolsChanged)
  })
})

describe('what a server tells a client while its process comes to its end', () => {
  it('is for the client alone that the process was of', async () => {
    const bench = await openBench({ servers: { a: { ...echoServer, config: { isolation: 'session' } } } })
    bench.router.start()
    const own = await bench.server('a').nextLife()
    const [one, two] = [await bench.open('{}', 'a'), await bench.open('{}', 'a')]
    const call = one.call('echo')
    const request = await own.next('tools/call')
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    own.notify('vendor/secret', '{"of":"one"}')
    own.reply(request)
    await call
    await one.next('vendor/secret')
    expect(two.methods).not.toContain('vendor/secret')
  })
})

describe('servers of which each client has a process of its own', () => {
  it('get new ones by another configuration, and only what was asked of the old ones is answered by them', async () => {
    const bench = await openBench({ servers: { a: { ...echoServer, config: { isolation: 'session' } } } })
    bench.router.start()
    const spare = await bench.server('a').nextLife()
    const client = await bench.open()
    const early = client.call('a__echo')
    const call = await spare.next('tools/call')
    await bench.router.apply(withServers(bench, { a: restarted(bench, 'a') }))
    const late = client.call('a__echo')
    const next = await bench.server('a').nextLife()
    next.reply(await next.next('tools/call'), '{"new":1}')
    expect((await late).result).toEqual({ new: 1 })
    spare.reply(call, '{"old":1}')
    expect((await early).result).toEqual({ old: 1 })
    await spare.ended
  })

  it('become one for all where the isolation says so, and subscriptions go over', async () => {
    const bench = await openBench({ servers: { a: { ...echoServer, config: { isolation: 'session' } } } })
    bench.router.start()
    const own = await bench.server('a').nextLife()
    const client = await bench.open()
    const subscribed = client.request('resources/subscribe', '{"uri":"x://1"}')
    own.reply(await own.next('resources/subscribe'))
    await subscribed
    await bench.router.apply(withServers(bench, { a: { isolation: 'shared' } }))
    const next = await bench.server('a').nextLife()
    next.reply(await next.next('resources/subscribe'))
    await own.ended
    expect(bench.pool('a').upstreams).toHaveLength(1)
  })
})

describe('after the computer slept', () => {
  it('servers are checked at once, and those that wait for their next start are started', async () => {
    const restart = {
      enabled: true,
      max: 9,
      windowSeconds: 9,
      delayMs: 60_000,
      maxDelayMs: 60_000,
      jitter: false,
    }
    const health = {
      enabled: true,
      intervalSeconds: 600,
      timeoutSeconds: 5,
      attempts: 1,
      retryIntervalSeconds: 5,
      threshold: 1,
    }
    const bench = await openBench({
      servers: { a: { ...echoServer, config: { health } }, b: { ...echoServer, config: { restart } } },
    })
    await bench.start()
    const [a, b] = [await bench.server('a').nextLife(), await bench.server('b').nextLife()]
    await b.exit()
    await bench.until('b', 'back-off')
    bench.router.checkNow()
    a.reply(await a.next('ping'))
    await bench.server('b').nextLife()
    await bench.until('b', 'ready')
  })
})
