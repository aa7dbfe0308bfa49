import { describe, expect, it } from 'vitest'
import { openBench, openPair, passThrough } from '../../../testing/router-bench.ts'
import { toTool, type ServerLife } from '../../../testing/scripted-server.ts'
import { toWireMessage } from '../../../testing/wire-message.ts'

const message = 'notifications/message'

function levelsTold(life: ServerLife): unknown[] {
  const told = life.lines.map(toWireMessage).filter(({ method }) => method === 'logging/setLevel')
  return told.map(({ params }) => params?.['level'])
}

const setLevel = (level: string): string => `{"level":"${level}"}`

describe('log levels', () => {
  it('of several clients: the server is told the most verbose one, and only when it changes', async () => {
    const { bench, life, client } = await openPair()
    const other = await bench.open()
    expect((await client.request('logging/setLevel', setLevel('warning'))).result).toEqual({})
    await other.request('logging/setLevel', setLevel('error'))
    await other.request('logging/setLevel', setLevel('debug'))
    await client.request('logging/setLevel', setLevel('notice'))
    await passThrough({ client, life })
    expect(levelsTold(life)).toEqual(['warning', 'debug'])
    other.close()
    await passThrough({ client, life })
    expect(levelsTold(life)).toEqual(['warning', 'debug', 'notice'])
  })

  it('are told again to a server that was started again', async () => {
    const { bench, life, client } = await openPair()
    await client.request('logging/setLevel', setLevel('warning'))
    await life.exit()
    const next = await bench.server('s').nextLife()
    await passThrough({ client, life: next })
    expect(levelsTold(next)).toEqual(['warning'])
  })

  it('are not told to a server without logging', async () => {
    const { life, client } = await openPair({ script: { capabilities: '{"tools":{}}' } })
    await client.request('logging/setLevel', setLevel('warning'))
    await passThrough({ client, life })
    expect(levelsTold(life)).toEqual([])
  })

  it('reach the upstream that a session gets of its own, and are those of this session alone', async () => {
    const script = { tools: [toTool('echo')] }
    const bench = await openBench({ servers: { s: { script, config: { isolation: 'session' } } } })
    await bench.start()
    const clients = [await bench.open(), await bench.open()]
    await clients[0]?.request('logging/setLevel', setLevel('alert'))
    await clients[1]?.request('logging/setLevel', setLevel('critical'))
    const lives: ServerLife[] = []
    for (const client of clients) {
      void client.call('s__echo')
      const life = await bench.server('s').nextLife()
      await life.next('tools/call')
      await life.ask('"barrier"', 'ping')
      lives.push(life)
    }
    expect(lives.map((life) => levelsTold(life).at(-1))).toEqual(['alert', 'critical'])
  })

  it.each(['{"level":"loud"}', '{"level":7}', '{}'])('that are none are refused: %s', async (params) => {
    const { client } = await openPair()
    expect((await client.request('logging/setLevel', params)).error?.code).toBe(-32602)
  })
})

describe('log messages', () => {
  it('go to the sessions that have a call in flight on the server, and to no other', async () => {
    const { bench, life, client } = await openPair()
    const idle = await bench.open()
    const call = client.call('s__echo')
    const asked = await life.next('tools/call')
    life.notify(message, '{"level":"info","data":{"n":1.0}}')
    expect((await client.next(message)).text).toContain('"params":{"level":"info","data":{"n":1.0}}')
    life.reply(asked)
    await call
    life.notify(message, '{"level":"emergency","data":"nobody calls"}')
    await life.ask('"barrier"', 'ping')
    expect([client.methods, idle.methods]).toEqual([[message], []])
  })

  it('below the level that a client set are kept from it', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } })
    const [other, unset] = [await bench.open(), await bench.open()]
    await client.request('logging/setLevel', setLevel('error'))
    await other.request('logging/setLevel', setLevel('debug'))
    for (const one of [client, other, unset]) void one.call('s__echo')
    for (let index = 0; index < 3; index++) await life.next('tools/call')
    for (const level of ['debug', 'info', 'error']) life.notify(message, `{"level":"${level}","data":1}`)
    await passThrough({ client, life })
    const levelsOf = (lines: readonly string[]): unknown[] =>
      lines
        .map(toWireMessage)
        .flatMap(({ method, params }) => (method === message ? [params?.['level']] : []))
    expect(levelsOf(other.lines)).toEqual(['debug', 'info', 'error'])
    expect(levelsOf(client.lines)).toEqual(['error'])
    // Of debug it never asked for.
    expect(levelsOf(unset.lines)).toEqual(['info', 'error'])
  })

  it('with no call in flight go to those who are with the server alone', async () => {
    const bench = await openBench({ servers: { s: { script: { tools: [toTool('echo')] } } } })
    await bench.start()
    const life = await bench.server('s').nextLife()
    const [client, alone] = [await bench.open(), await bench.open('{}', 's')]
    life.notify(message, '{"level":"info","data":1}')
    await alone.next(message)
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })

  it('of a server of its own go to the session, call or none, and to nobody else', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'session' } })
    const other = await bench.open()
    await passThrough({ client, life })
    life.notify(message, '{"level":"info","data":1}')
    await client.next(message)
    await life.ask('"barrier"', 'ping')
    expect(other.methods).toEqual([])
  })

  it('with broken JSON inside harm nobody', async () => {
    const { life, client } = await openPair()
    life.notify(message, '{"level" "info"}')
    life.notify('notifications/progress', '{"progressToken" 1}')
    life.notify('notifications/resources/updated', '{"uri" 1}')
    life.notify('notifications/cancelled', '{"requestId" 1}')
    life.notify('notifications/elicitation/complete', '{"elicitationId" 1}')
    await passThrough({ client, life })
  })
})
