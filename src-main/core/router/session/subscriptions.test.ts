import { describe, expect, it } from 'vitest'
import { openBench, openPair, passThrough, type BenchPair } from '../../../testing/router-bench.ts'
import { toTool } from '../../../testing/scripted-server.ts'

const one = '{"uri":"x://1"}'
const script = { tools: [toTool('echo')], resources: ['{"uri":"x://1","name":"1"}'] }
const updated = 'notifications/resources/updated'

/** A pair of which the client has subscribed to x://1. */
async function openSubscribed(capabilities = '{}'): Promise<BenchPair> {
  const pair = await openPair({ script }, capabilities)
  const answer = pair.client.request('resources/subscribe', one)
  pair.life.reply(await pair.life.next('resources/subscribe'), '{"first":1}')
  expect((await answer).result).toEqual({ first: 1 })
  return pair
}

describe('a subscription', () => {
  it('is asked of the server by the first client and given up by the last', async () => {
    const { bench, life, client } = await openSubscribed()
    const other = await bench.open()
    expect((await other.request('resources/subscribe', one)).result).toEqual({})
    expect((await client.request('resources/unsubscribe', one)).result).toEqual({})
    expect(life.count('resources/subscribe')).toBe(1)
    expect(life.count('resources/unsubscribe')).toBe(0)
    const last = other.request('resources/unsubscribe', one)
    life.reply(await life.next('resources/unsubscribe'), '{"last":1}')
    expect((await last).result).toEqual({ last: 1 })
  })

  it('brings updates to those who subscribed and to nobody else, byte for byte', async () => {
    const { bench, life, client } = await openSubscribed()
    const [other, idle] = [await bench.open(), await bench.open()]
    await other.request('resources/subscribe', one)
    life.notify(updated, '{ "uri":"x:\\/\\/1","x":1.0}')
    const text = `{"jsonrpc":"2.0","method":"${updated}","params":{ "uri":"x:\\/\\/1","x":1.0}}`
    expect((await client.next(updated)).text).toBe(text)
    expect((await other.next(updated)).text).toBe(text)
    await client.request('resources/unsubscribe', one)
    life.notify(updated, one)
    life.notify(updated, '{"uri":"x://2"}')
    life.notify(updated)
    await other.next(updated)
    await passThrough({ client, life })
    expect(client.methods).toEqual([updated])
    expect(idle.methods).toEqual([])
  })

  it('by two at once is asked once, and both share the outcome', async () => {
    const { bench, life, client } = await openPair({ script })
    const other = await bench.open()
    const answers = [client.request('resources/subscribe', one), other.request('resources/subscribe', one)]
    life.reply(await life.next('resources/subscribe'), '{"first":1}')
    expect((await answers[0])?.result).toEqual({ first: 1 })
    expect((await answers[1])?.result).toEqual({})
    life.notify(updated, one)
    await client.next(updated)
    await other.next(updated)
    expect(life.count('resources/subscribe')).toBe(1)
  })

  it('by two at once that the server refuses is refused to both, and may be tried again', async () => {
    const { bench, life, client } = await openPair({ script })
    const other = await bench.open()
    const answers = [client.request('resources/subscribe', one), other.request('resources/subscribe', one)]
    life.fail(await life.next('resources/subscribe'), '{"code":-7,"message":"no","data":{"x":1}}')
    for (const answer of answers)
      expect((await answer).error).toEqual({ code: -7, message: 'no', data: { x: 1 } })
    const again = client.request('resources/subscribe', one)
    life.reply(await life.next('resources/subscribe'))
    expect((await again).result).toEqual({})
  })

  it.each(['{"code":-7,"message":"no","x-own":1.0}', '{"code":-7,"message":"no\\q such"}'])(
    'by two at once is refused to both in the words of the server: %s',
    async (error) => {
      const { bench, life, client } = await openPair({ script })
      const other = await bench.open()
      const line = (id: string): string =>
        `{"jsonrpc":"2.0","id":"${id}","method":"resources/subscribe","params":${one}}`
      client.write(line('c1'))
      const asked = await life.next('resources/subscribe')
      other.write(line('c2'))
      life.fail(asked, error)
      for (const [who, id] of [[client, 'c1'] as const, [other, 'c2'] as const]) {
        const answer = await who.inbox.take('the refusal', ({ text }) => text.includes(`"${id}"`))
        expect(answer.text).toBe(`{"jsonrpc":"2.0","id":"${id}","error":${error}}`)
      }
      const again = other.request('resources/subscribe', one)
      life.reply(await life.next('resources/subscribe'), '{"again":1}')
      expect((await again).result).toEqual({ again: 1 })
    },
  )

  it('brings updates of sub-resources, and of no others that only begin alike', async () => {
    const { bench, life, client } = await openSubscribed()
    const folder = await bench.open()
    const answer = folder.request('resources/subscribe', '{"uri":"x://1/dir/"}')
    life.reply(await life.next('resources/subscribe'))
    await answer
    const told = ['x://12', 'x://', 'x://1/a', 'x://1?q', 'x://1#f', 'x://1/dir/b', 'x://1/dir/']
    for (const uri of told) life.notify(updated, JSON.stringify({ uri }))
    await passThrough({ client, life })
    const urisOf = (lines: readonly string[]): string[] =>
      lines
        .filter((line) => line.includes(updated))
        .map((line) => (JSON.parse(line) as { params: { uri: string } }).params.uri)
    expect(urisOf(client.lines)).toEqual(['x://1/a', 'x://1?q', 'x://1#f', 'x://1/dir/b'])
    expect(urisOf(folder.lines)).toEqual(['x://1/dir/b', 'x://1/dir/'])
  })

  it('by two at once whose server is lost fails for both', async () => {
    const { bench, life, client } = await openPair({ script })
    const other = await bench.open()
    const answers = [client.request('resources/subscribe', one), other.request('resources/subscribe', one)]
    await life.next('resources/subscribe')
    await life.exit()
    expect((await answers[0])?.error?.data).toMatchObject({ code: 'server-lost' })
    expect((await answers[1])?.error?.message).toContain('did not answer the request to subscribe')
  })

  it('by two at once of which one unsubscribes at once leaves the other with an answer', async () => {
    const { bench, life, client } = await openPair({ script })
    const other = await bench.open()
    void client.request('resources/subscribe', one)
    const asked = await life.next('resources/subscribe')
    const answer = other.request('resources/subscribe', one)
    void client.request('resources/unsubscribe', one)
    life.reply(asked)
    await answer
  })

  it('of a session that ends while it waits is not kept', async () => {
    const { bench, life, client } = await openPair({ script })
    const other = await bench.open()
    const answer = client.request('resources/subscribe', one)
    const asked = await life.next('resources/subscribe')
    void other.request('resources/subscribe', one)
    other.close()
    life.reply(asked)
    await answer
    life.notify(updated, one)
    await client.next(updated)
    expect(other.methods).toEqual([])
  })

  it('of a session that ends is given up when it was the last', async () => {
    const { bench, life, client } = await openSubscribed()
    const other = await bench.open()
    await other.request('resources/subscribe', one)
    client.close()
    await passThrough({ client: other, life })
    expect(life.count('resources/unsubscribe')).toBe(0)
    other.close()
    expect((await life.next('resources/unsubscribe')).params).toEqual({ uri: 'x://1' })
  })

  it('with broken JSON inside is refused and does not stand in the way of the next', async () => {
    const { bench, life, client } = await openPair({ script })
    client.write(
      '{"jsonrpc":"2.0","id":"b","method":"resources/subscribe","params":{"uri":"x://1","_meta":{"progressToken":1 2}}}',
    )
    expect((await client.answerTo('b')).error?.code).toBe(-32700)
    const other = await bench.open()
    const answer = other.request('resources/subscribe', one)
    life.reply(await life.next('resources/subscribe'))
    expect((await answer).result).toEqual({})
  })
})

describe('a server that was started again', () => {
  it('is told what is subscribed to', async () => {
    const { bench, life, client } = await openSubscribed()
    await life.exit()
    const next = await bench.server('s').nextLife()
    const again = await next.next('resources/subscribe')
    expect(again.params).toEqual({ uri: 'x://1' })
    next.reply(again)
    next.notify(updated, one)
    await client.next(updated)
  })

  it('that refuses it now does no harm', async () => {
    const { bench, life, client } = await openSubscribed()
    await life.exit()
    const next = await bench.server('s').nextLife()
    next.fail(await next.next('resources/subscribe'), '{"code":-1,"message":"gone"}')
    await passThrough({ client, life: next })
    expect(bench.log.some(({ message }) => message.includes('refused resources/subscribe'))).toBe(true)
  })

  it('and is lost once more before it answers is told again', async () => {
    const { bench, life } = await openSubscribed()
    await life.exit()
    const next = await bench.server('s').nextLife()
    await next.next('resources/subscribe')
    await next.exit()
    const third = await bench.server('s').nextLife()
    expect((await third.next('resources/subscribe')).params).toEqual({ uri: 'x://1' })
  })

  it('is told once of what was asked for while it was starting', async () => {
    const { bench, life, client } = await openPair({ script })
    bench.server('s').script = { ...script, isOpenedByHand: true }
    await life.exit()
    const next = await bench.server('s').nextLife()
    const initialize = await next.next('initialize')
    const answer = client.request('resources/subscribe', one)
    next.open(initialize)
    next.reply(await next.next('resources/subscribe'))
    await answer
    await passThrough({ client, life: next })
    expect(next.count('resources/subscribe')).toBe(1)
  })
})

describe('when a server goes over to one for each session', () => {
  it('the asked session keeps its subscriptions and those of the others go over to their own', async () => {
    const { bench, life, client } = await openSubscribed('{"sampling":{}}')
    const other = await bench.open()
    await other.request('resources/subscribe', one)
    const alone = other.request('resources/subscribe', '{"uri":"x://2"}')
    life.reply(await life.next('resources/subscribe'))
    await alone
    void client.call('s__echo')
    await life.next('tools/call')
    void life.ask('1', 'sampling/createMessage')
    await client.next('sampling/createMessage')
    // x://2 was the other's alone.
    expect((await life.next('resources/unsubscribe')).params).toEqual({ uri: 'x://2' })
    const own = await bench.server('s').nextLife()
    const moved = [await own.next('resources/subscribe'), await own.next('resources/subscribe')]
    expect(moved.map(({ params }) => params?.['uri'])).toEqual(['x://1', 'x://2'])
    for (const message of moved) own.reply(message)
    life.notify(updated, one)
    await client.next(updated)
    own.notify(updated, '{"uri":"x://1","own":1}')
    expect((await other.next(updated)).params).toEqual({ uri: 'x://1', own: 1 })
    expect(client.methods.filter((method) => method === updated)).toHaveLength(1)
  })
})

describe('a URI that two servers offer', () => {
  it('is subscribed to and told of under the alias that the client knows', async () => {
    const bench = await openBench({ servers: { a: { script }, b: { script } } })
    await bench.start()
    const life = await bench.server('b').nextLife()
    const client = await bench.open()
    const alias = 'patchbay://b/x%3A%2F%2F1'
    const answer = client.request('resources/subscribe', `{"uri":"${alias}"}`)
    const asked = await life.next('resources/subscribe')
    expect(asked.params).toEqual({ uri: 'x://1' })
    life.reply(asked)
    await answer
    life.notify(updated, one)
    expect((await client.next(updated)).params).toEqual({ uri: alias })
    const over = client.request('resources/unsubscribe', `{"uri":"${alias}"}`)
    const last = await life.next('resources/unsubscribe')
    expect(last.params).toEqual({ uri: 'x://1' })
    life.reply(last)
    await over
  })

  it('is told of under its own URI to a client of that server alone', async () => {
    const bench = await openBench({ servers: { a: { script }, b: { script } } })
    await bench.start()
    const life = await bench.server('b').nextLife()
    const client = await bench.open('{}', 'b')
    const answer = client.request('resources/subscribe', one)
    life.reply(await life.next('resources/subscribe'))
    await answer
    life.notify(updated, one)
    expect((await client.next(updated)).params).toEqual({ uri: 'x://1' })
  })
})
