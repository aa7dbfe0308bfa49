import { describe, expect, it, vi } from 'vitest'
import { patience } from '../../testing/patience.ts'
import { openBench, openPair, passThrough } from '../../testing/router-bench.ts'
import { toTool, type ServerScript } from '../../testing/scripted-server.ts'

const script: ServerScript = { tools: [toTool('echo')] }
const never = { enabled: false, max: 5, windowSeconds: 300, delayMs: 1, maxDelayMs: 1, jitter: false }

const toChange = (list: string): string => `notifications/${list}/list_changed`

describe('list_changed', () => {
  it.each([
    ['tools', { ...script, tools: [toTool('echo'), toTool('new')] }],
    ['prompts', { ...script, prompts: ['{"name":"new"}'] }],
    ['resources', { ...script, resources: ['{"uri":"x://new","name":"new"}'] }],
    ['resources', { ...script, resourceTemplates: ['{"uriTemplate":"x://{new}","name":"new"}'] }],
  ] as const)('of %s follows when that list changed, and no other does', async (list, changed) => {
    const { bench, life, client } = await openPair({ script })
    bench.server('s').script = changed
    life.notify(toChange(list))
    await client.next(toChange(list))
    await passThrough({ client, life })
    expect(client.methods).toEqual([toChange(list)])
  })

  it('does not follow when a server says so but nothing changed', async () => {
    const { life, client } = await openPair({ script })
    for (const list of ['tools', 'prompts', 'resources']) life.notify(toChange(list))
    await passThrough({ client, life })
    await vi.waitFor(() => {
      expect([life.count('tools/list'), life.count('prompts/list')]).toEqual([2, 2])
    }, patience)
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })

  it('comes once for many changes that come together', async () => {
    const a = { ...script, tools: [toTool('a')] }
    const bench = await openBench({ servers: { s: { script: a }, t: { script: a } } })
    const client = await bench.open()
    const listed = client.next(toChange('tools'))
    await bench.start()
    await listed
    const before = client.methods.length
    const life = await bench.server('s').nextLife()
    bench.server('s').script = { tools: [toTool('b')], prompts: ['{"name":"p"}'] }
    for (let times = 0; times < 20; times++) life.notify(toChange('tools'))
    await client.next(toChange('tools'))
    await life.ask('"barrier"', 'ping')
    expect(client.methods.length - before).toBe(1)
    // Twenty notices are at most two readings: the one that runs, and one after it.
    expect(life.count('tools/list')).toBeLessThanOrEqual(3)
  })

  it('comes when a server was lost and is back, though nothing changed, for the lists that it has', async () => {
    const { bench, life, client } = await openPair({ script })
    await life.exit()
    const next = await bench.server('s').nextLife()
    await client.next(toChange('tools'))
    await passThrough({ client, life: next })
    expect(client.methods).toEqual([toChange('tools')])
  })

  it('comes when a server that is in a crash loop drops out of the lists', async () => {
    const restart = { ...never, enabled: true, max: 0 }
    const { life, client } = await openPair({ script, config: { restart } })
    await life.exit()
    await client.next(toChange('tools'))
    expect((await client.request('tools/list')).result).toEqual({ tools: [] })
  })

  it('does not come when a server is in back-off: its last known things stay', async () => {
    const restart = { ...never, enabled: true, delayMs: 60_000, maxDelayMs: 60_000 }
    const { bench, life, client } = await openPair({ script, config: { restart } })
    await life.exit()
    await bench.until('s', 'back-off')
    expect((await client.request('tools/list')).text).toContain('s__echo')
    expect(client.methods).toEqual([])
  })

  it('does not come to others when the server of one session ends with it and another one’s begins', async () => {
    const { bench, life, client } = await openPair({ script, config: { isolation: 'session' } })
    await passThrough({ client, life })
    const idle = await bench.open()
    client.close()
    await life.ended
    const third = await bench.open()
    void third.call('s__echo')
    const own = await bench.server('s').nextLife()
    await own.next('tools/call')
    await own.ask('"barrier"', 'ping')
    expect(idle.methods).toEqual([])
  })

  it('does not come to a session that is not open yet', async () => {
    const { bench, life, client } = await openPair({ script })
    const silent = bench.connect()
    bench.server('s').script = { tools: [toTool('new')] }
    life.notify(toChange('tools'))
    await client.next(toChange('tools'))
    expect(silent.lines).toEqual([])
  })

  it('comes to clients of one server when it is lost and back, and not to those of another', async () => {
    const bench = await openBench({ servers: { s: { script }, t: { script } } })
    await bench.start()
    const [client, other] = [await bench.open('{}', 's'), await bench.open('{}', 't')]
    await (await bench.server('s').nextLife()).exit()
    await client.next(toChange('tools'))
    const life = await bench.server('t').nextLife()
    await life.ask('"barrier"', 'ping')
    expect(other.methods).toEqual([])
  })
})
