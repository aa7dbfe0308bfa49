import { describe, expect, it } from 'vitest'
import { openBench, openPair } from '../../../testing/router-bench.ts'
import { toTool } from '../../../testing/scripted-server.ts'

const able = '{"sampling":{},"roots":{"listChanged":true}}'
const script = { tools: [toTool('echo')] }

describe('a server under isolation: auto', () => {
  it('is shared until it asks; then the asked session keeps it, and others get their own with their next call', async () => {
    const { bench, life, client } = await openPair({}, able)
    const other = await bench.open(able)
    const answers = [other.call('s__echo')]
    life.reply(await life.next('tools/call'), '{"on":"shared"}')
    expect((await answers[0])?.result).toEqual({ on: 'shared' })

    const call = client.call('s__echo')
    const asking = await life.next('tools/call')
    const asked = life.ask('1', 'sampling/createMessage')
    client.reply(await client.next('sampling/createMessage'), '{"by":"client"}')
    expect((await asked).result).toEqual({ by: 'client' })
    expect(bench.server('s').untaken).toBe(0)

    const others = other.call('s__echo')
    const own = await bench.server('s').nextLife()
    const asksOther = await own.next('tools/call')
    const askedOther = own.ask('1', 'sampling/createMessage')
    other.reply(await other.next('sampling/createMessage'), '{"by":"other"}')
    expect((await askedOther).result).toEqual({ by: 'other' })
    own.reply(asksOther, '{"on":"own"}')
    expect((await others).result).toEqual({ on: 'own' })
    life.reply(asking, '{"on":"kept"}')
    expect((await call).result).toEqual({ on: 'kept' })
    expect(client.methods.filter((method) => method === 'sampling/createMessage')).toHaveLength(1)
  })

  it('that asks with calls of two sessions in flight asks neither; both calls go on, the next ones are apart', async () => {
    const { bench, life, client } = await openPair({}, able)
    const other = await bench.open(able)
    const answers = [client.call('s__echo'), other.call('s__echo')]
    const calls = [await life.next('tools/call'), await life.next('tools/call')]
    for (const id of ['1', '2']) {
      const { error } = await life.ask(id, 'sampling/createMessage')
      expect(error).toMatchObject({ code: -32000, data: { code: 'ambiguous-client' } })
      expect(error?.message).toContain('the same call works when it is made again')
    }
    for (const call of calls) life.reply(call)
    await Promise.all(answers)
    // Nobody can be told apart on it any more: it ends.
    await life.ended
    const clients = [client, other]
    const again = clients.map((one, index) => one.call('s__echo', `{"of":${index}}`))
    const lives = [await bench.server('s').nextLife(), await bench.server('s').nextLife()]
    for (const own of lives) {
      const call = await own.next('tools/call')
      const asker = clients[call.text.includes('{"of":0}') ? 0 : 1]
      const asked = own.ask('1', 'sampling/createMessage')
      const question = await asker?.next('sampling/createMessage')
      if (question !== undefined) asker?.reply(question, '{"ok":1}')
      expect((await asked).result).toEqual({ ok: 1 })
      own.reply(call)
    }
    await Promise.all(again)
  })

  it('is remembered to ask, and is one for each session from the start the next time', async () => {
    const { bench, life, client } = await openPair({}, able)
    const asked = life.ask('1', 'roots/list')
    client.reply(await client.next('roots/list'), '{"roots":[]}')
    await asked
    await bench.router.close()
    const next = await openBench({ servers: { s: { script } }, dataFolder: bench.dataFolder })
    await next.router.recall()
    await next.start()
    const first = await next.server('s').nextLife()
    const clients = [await next.open(able), await next.open(able)]
    const calls = clients.map((one) => one.call('s__echo'))
    const second = await next.server('s').nextLife()
    for (const one of [first, second]) one.reply(await one.next('tools/call'))
    await Promise.all(calls)
  })

  it('that asked for roots before its client came is told to ask again by the first that takes it over', async () => {
    const bench = await openBench({ servers: { s: { script } } })
    await bench.start()
    const life = await bench.server('s').nextLife()
    expect((await life.ask('1', 'roots/list')).error?.data).toEqual({ code: 'no-client' })
    const client = await bench.open(able)
    void client.call('s__echo')
    await life.next('notifications/roots/list_changed')
    const asked = life.ask('2', 'roots/list')
    client.reply(await client.next('roots/list'), '{"roots":[]}')
    expect((await asked).result).toEqual({ roots: [] })
  })

  it('is not told so when the client has no roots', async () => {
    const bench = await openBench({ servers: { s: { script } } })
    await bench.start()
    const life = await bench.server('s').nextLife()
    await life.ask('1', 'roots/list')
    const client = await bench.open('{"sampling":{}}')
    const call = client.call('s__echo')
    life.reply(await life.next('tools/call'))
    await call
    expect(life.count('notifications/roots/list_changed')).toBe(0)
  })
})

describe('a server under isolation: session', () => {
  it('is one for each session, which ends with it, and hears of its roots alone', async () => {
    const bench = await openBench({ servers: { s: { script, config: { isolation: 'session' } } } })
    await bench.start()
    const [client, other] = [await bench.open(able), await bench.open(able)]
    void client.call('s__echo')
    const life = await bench.server('s').nextLife()
    await life.next('tools/call')
    void other.call('s__echo')
    const own = await bench.server('s').nextLife()
    await own.next('tools/call')
    const before = life.count('notifications/roots/list_changed')
    other.notify('notifications/roots/list_changed', '{"x":1.0}')
    await own.inbox.take('the change of roots', ({ text }) => text.includes('{"x":1.0}'))
    other.close()
    await own.ended
    expect(life.count('notifications/roots/list_changed')).toBe(before)
    expect(bench.pool('s').upstreams).toHaveLength(1)
  })
})

describe('a server under isolation: shared', () => {
  it('stays shared; with several sessions’ calls in flight its question is refused and says why', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, able)
    const other = await bench.open(able)
    void client.call('s__echo')
    await life.next('tools/call')
    const asked = life.ask('1', 'sampling/createMessage')
    client.reply(await client.next('sampling/createMessage'), '{}')
    await asked
    void other.call('s__echo')
    await life.next('tools/call')
    const { error } = await life.ask('2', 'sampling/createMessage')
    expect(error).toMatchObject({ code: -32000, data: { code: 'shared-server' } })
    expect(error?.message).toContain('isolation: shared')
    expect(bench.server('s').untaken).toBe(0)
    expect(other.methods).toEqual([])
  })

  it('hears of the roots of its only session, and of none of several', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, able)
    client.notify('notifications/roots/list_changed')
    await life.next('notifications/roots/list_changed')
    await bench.open(able)
    client.notify('notifications/roots/list_changed')
    await client.request('ping')
    await life.ask('"barrier"', 'ping')
    expect(life.count('notifications/roots/list_changed')).toBe(1)
  })

  it.each(['cancels its call', 'leaves'])(
    'asks nobody else when the session that it works for %s',
    async (how) => {
      const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, able)
      const other = await bench.open(able)
      client.write('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"s__echo"}}')
      await life.next('tools/call')
      const others = other.call('s__echo')
      const otherCall = await life.next('tools/call')
      if (how === 'leaves') client.close()
      else client.notify('notifications/cancelled', '{"requestId":"a"}')
      await life.next('notifications/cancelled')
      const { error } = await life.ask('1', 'sampling/createMessage', '{"secret":"of the first"}')
      expect(error).toMatchObject({ code: -32000 })
      expect(other.methods).not.toContain('sampling/createMessage')
      life.reply(otherCall, '{"on":"shared"}')
      await others
    },
  )
})
