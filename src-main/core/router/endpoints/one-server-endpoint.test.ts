import { describe, expect, it } from 'vitest'
import { openBench, type BenchServer, type RouterBench } from '../../../testing/router-bench.ts'
import type { MemoryClient } from '../../../testing/memory-client.ts'
import { toTool, type ServerLife } from '../../../testing/scripted-server.ts'

const script = {
  tools: [toTool('read'), toTool('write'), toTool('own.name')],
  instructions: 'Read first.',
  capabilities: '{"tools":{"listChanged":true,"x-own":1.0},"resources":{"subscribe":true},"logging":{}}',
}

interface One {
  readonly bench: RouterBench
  readonly client: MemoryClient
  readonly life: ServerLife
}

async function openOne(config: BenchServer['config'] = {}): Promise<One> {
  const bench = await openBench({ servers: { s: { script, config }, t: {} } })
  await bench.start()
  const life = await bench.server('s').nextLife()
  return { bench, life, client: await bench.open('{}', 's') }
}

describe('the endpoint of one server', () => {
  it('shows the server’s own serverInfo, instructions and capabilities', async () => {
    const { bench } = await openOne()
    expect((await bench.connect('s').open()).text).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":${script.capabilities},"serverInfo":{"name":"scripted","version":"7","x-own":1.0},"instructions":"Read first."}}`,
    )
  })

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2030-01-01', '2025-11-25'],
  ])('speaks the revision that the client asks for, when there is one: %s', async (asked, told) => {
    const { bench } = await openOne()
    for (const server of ['s', undefined])
      expect((await bench.connect(server).open('{}', asked)).result?.['protocolVersion']).toBe(told)
  })

  it('opens from what is remembered before the server has started', async () => {
    const { bench } = await openOne()
    const { text } = await bench.connect('s').open()
    await bench.router.close()
    const next = await openBench({ servers: { s: { script } }, dataFolder: bench.dataFolder })
    await next.router.recall()
    expect((await next.connect('s').open()).text).toBe(text)
  })

  it('opens when the server does, the first time', async () => {
    const bench = await openBench({ servers: { s: { script: { ...script, isOpenedByHand: true } } } })
    const client = bench.connect('s')
    const opened = client.open()
    const life = await bench.server('s').nextLife()
    life.open(await life.next('initialize'))
    expect((await opened).result?.['instructions']).toBe('Read first.')
  })

  it('fails to open when the server cannot start, naming it, and may be tried again', async () => {
    const bench = await openBench({ servers: { s: { script: { ...script, isBroken: true } } } })
    const client = bench.connect('s')
    expect((await client.open()).error).toMatchObject({
      code: -32000,
      data: { code: 'server-unavailable', server: 's', state: 'back-off' },
    })
    bench.server('s').script = script
    await bench.until('s', 'ready')
    expect((await client.open()).result?.['instructions']).toBe('Read first.')
  })

  it('answers a ping by any process of a server that has one for each client, and starts none for it', async () => {
    const { bench, life, client } = await openOne({ isolation: 'session' })
    const call = client.call('read')
    life.reply(await life.next('tools/call'), '{"by":"the first"}')
    await call
    const other = await bench.open('{}', 's')
    const pong = other.request('ping')
    life.reply(await life.next('ping'), '{"x":1.0}')
    expect((await pong).text).toBe('{"jsonrpc":"2.0","id":2,"result":{"x":1.0}}')
    expect(bench.server('s').untaken).toBe(0)
    const lost = other.request('ping')
    await life.next('ping')
    await life.exit()
    expect((await lost).error).toMatchObject({ data: { code: 'timed-out', server: 's' } })
  })

  it('keeps a notification that comes while the server starts, and drops it when it does not', async () => {
    const bench = await openBench({ servers: { s: { script: { ...script, isOpenedByHand: true } } } })
    bench.router.start()
    const client = bench.connect('s')
    const opened = client.open()
    const life = await bench.server('s').nextLife()
    const initialize = await life.next('initialize')
    client.notify('vendor/early', '{"n":1.0}')
    life.open(initialize)
    expect((await life.next('vendor/early')).text).toContain('"params":{"n":1.0}')
    await opened
    await life.exit()
    const next = await bench.server('s').nextLife()
    await next.next('initialize')
    client.notify('vendor/lost')
    await next.exit()
    const last = await bench.server('s').nextLife()
    last.open(await last.next('initialize'))
    const pong = client.request('ping')
    last.reply(await last.next('ping'), '{}')
    await pong
    expect(last.count('vendor/lost')).toBe(0)
  })

  it('tells nothing to a client that left before the server failed to start', async () => {
    const bench = await openBench({ servers: { s: { script: { ...script, isOpenedByHand: true } } } })
    bench.router.start()
    const client = bench.connect('s')
    client.open().catch(() => undefined)
    const life = await bench.server('s').nextLife()
    client.close()
    await life.exit()
    await (await bench.server('s').nextLife()).next('initialize')
    expect(client.lines).toEqual([])
  })

  it.each([
    ['tools/call', '{"name":"own.name","arguments":{"n":1.0}}'],
    ['resources/read', '{"uri":"x://nobody-listed"}'],
    ['resources/list', '{"cursor":"2","x-by-hand":1.0}'],
    ['tools/list', '{"x-by-hand":1.0}'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"p"}}'],
    ['ping', '{}'],
    ['vendor/odd', '[1.0]'],
    ['resources/subscribe', '{"odd":"no uri"}'],
  ])('passes %s %s as it is, and the answer', async (method, params) => {
    const { life, client } = await openOne()
    const answer = client.request(method, params)
    const call = await life.next(method)
    expect(call.text).toContain(`"params":${params}}`)
    life.reply(call, '{"n":1.0,"tools":[{"name":"write"}]}')
    expect((await answer).text).toContain('"result":{"n":1.0,"tools":[{"name":"write"}]}')
  })

  it('passes notifications that nobody knows, both ways, and to no client of the whole', async () => {
    const { bench, life, client } = await openOne()
    const [whole, other] = [await bench.open(), await bench.open('{}', 't')]
    client.notify('notifications/vendor', '{"n":1.0}')
    expect((await life.next('notifications/vendor')).text).toContain('"params":{"n":1.0}')
    life.notify('notifications/vendor', '{"back":1.0}')
    expect((await client.next('notifications/vendor')).text).toContain('"params":{"back":1.0}')
    await life.ask('"barrier"', 'ping')
    expect([...whole.methods, ...other.methods]).toEqual([])
  })

  it('passes list_changed of the server on', async () => {
    const { life, client } = await openOne()
    for (const list of ['tools', 'prompts', 'resources']) {
      life.notify(`notifications/${list}/list_changed`, '{"x":1.0}')
      expect((await client.next(`notifications/${list}/list_changed`)).text).toContain('{"x":1.0}')
    }
  })

  it('keeps log levels and subscriptions of clients apart all the same', async () => {
    const { bench, life, client } = await openOne()
    expect((await client.request('logging/setLevel', '{"level":"error"}')).result).toEqual({})
    const first = client.request('resources/subscribe', '{"uri":"x://1"}')
    life.reply(await life.next('resources/subscribe'))
    await first
    const other = await bench.open('{}', 's')
    expect((await other.request('resources/subscribe', '{"uri":"x://1"}')).result).toEqual({})
    expect((await client.request('resources/unsubscribe', '{"uri":"x://1"}')).result).toEqual({})
    life.notify('notifications/message', '{"level":"info","data":1}')
    await other.next('notifications/message')
    expect(client.methods).toEqual([])
  })

  it('shows no tool that is switched off, every other byte as it came', async () => {
    const { life, client } = await openOne({ tools: { disabled: ['write'] } })
    const answer = client.request('tools/list', '{"x-by-hand":1}')
    life.reply(
      await life.next('tools/list'),
      '{ "tools":[ {"name":"read","n":1.0},{"name":"write"},{"odd":1}],"nextCursor":"2" }',
    )
    expect((await answer).text).toContain(
      '"result":{ "tools":[{"name":"read","n":1.0},{"odd":1}],"nextCursor":"2" }',
    )
  })

  it('shows an answer without tools as it came', async () => {
    const { life, client } = await openOne({ tools: { disabled: ['write'] } })
    const answer = client.request('tools/list', '{"x-by-hand":1}')
    life.reply(await life.next('tools/list'), '{"odd":1.0}')
    expect((await answer).text).toContain('"result":{"odd":1.0}')
  })

  it('refuses a tool that is switched off', async () => {
    const { life, client } = await openOne({ tools: { disabled: ['write'] } })
    expect((await client.call('write')).error).toMatchObject({ code: -32602, data: { code: 'tool-off' } })
    const answer = client.call('read')
    life.reply(await life.next('tools/call'), '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
    expect(life.count('tools/call')).toBe(1)
  })
})
