import { describe, expect, it } from 'vitest'
import { openEchoes, withServers } from '../../testing/router-bench.ts'

const toolsChanged = 'notifications/tools/list_changed'

describe('switching', () => {
  it('a server off lets its call in flight end, refuses others, and stops it', async () => {
    const { bench, b, client } = await openEchoes()
    const alone = await bench.open('{}', 'b')
    const answer = client.call('b__echo')
    const call = await b.next('tools/call')
    await bench.router.apply(withServers(bench, { b: { enabled: false } }))
    await client.next(toolsChanged)
    expect((await client.call('b__echo')).error?.data).toMatchObject({ server: 'b', state: 'off' })
    expect((await alone.call('echo')).error?.message).toBe('The server “b” is switched off in Patchbay.')
    b.reply(call, '{"still":1}')
    expect((await answer).result).toEqual({ still: 1 })
    await b.ended
    expect(bench.router.hasServer('b')).toBe(false)
  })

  it('a server on starts it and subscribes to what its clients had subscribed to', async () => {
    const { bench, b, client } = await openEchoes()
    const alone = await bench.open('{}', 'b')
    const subscribed = alone.request('resources/subscribe', '{"uri":"x://1"}')
    b.reply(await b.next('resources/subscribe'))
    await subscribed
    await bench.router.apply(withServers(bench, { b: { enabled: false } }))
    await client.next(toolsChanged)
    await bench.router.apply(bench.config)
    const next = await bench.server('b').nextLife()
    next.reply(await next.next('resources/subscribe'))
    await Promise.all([client.next(toolsChanged), alone.next(toolsChanged)])
    const answer = alone.call('echo')
    next.reply(await next.next('tools/call'), '{"back":1}')
    expect((await answer).result).toEqual({ back: 1 })
  })

  it('a server off and on again starts its new process when the old one has ended', async () => {
    const { bench, b, client } = await openEchoes()
    const answer = client.call('b__echo')
    const call = await b.next('tools/call')
    await bench.router.apply(withServers(bench, { b: { enabled: false } }))
    await bench.router.apply(bench.config)
    expect(bench.pool('b').stateFor(0).state).toBe('starting')
    expect(bench.server('b').untaken).toBe(0)
    b.reply(call)
    await answer
    await b.ended
    await bench.server('b').nextLife()
  })

  it('a tool off hides and refuses it at once, and tells clients, without a restart', async () => {
    const { bench, client } = await openEchoes()
    const alone = await bench.open('{}', 'b')
    await bench.router.apply(withServers(bench, { b: { tools: { disabled: ['echo'] } } }))
    await Promise.all([client.next(toolsChanged), alone.next(toolsChanged)])
    const { result } = await client.request('tools/list')
    expect(JSON.stringify(result)).not.toContain('b__echo')
    expect((await client.call('b__echo')).error?.data).toMatchObject({ code: 'tool-off' })
    expect((await alone.call('echo')).error?.data).toMatchObject({ code: 'tool-off' })
    expect(bench.server('b').untaken).toBe(0)
  })

  it('the naming shows the tools under their new names at once', async () => {
    const { bench, a, client } = await openEchoes()
    await bench.router.apply(withServers(bench, {}, { naming: 'mcp__proxy__server__tool' }))
    await client.next(toolsChanged)
    const answer = client.call('mcp__proxy__a__echo')
    a.reply(await a.next('tools/call'))
    expect((await answer).result).toEqual({})
  })

  it('tells a client of one server that is not configured any more so', async () => {
    const { bench } = await openEchoes()
    const alone = await bench.open('{}', 'b')
    await bench.router.apply({ ...bench.config, servers: bench.config.servers.slice(0, 1) })
    const { error } = await alone.call('echo')
    expect(error?.message).toBe('The server “b” is stopped: it is not configured any more.')
    alone.notify('notifications/nobody-is-there')
    const late = bench.connect('b')
    expect((await late.open()).error?.data).toMatchObject({ server: 'b', state: 'stopped' })
  })
})
