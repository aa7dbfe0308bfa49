import { describe, expect, it } from 'vitest'
import type { MemoryClient } from '../../../testing/memory-client.ts'
import { openBench, passThrough, type BenchOptions, type RouterBench } from '../../../testing/router-bench.ts'
import { toTool, type ServerLife } from '../../../testing/scripted-server.ts'
import { toLine, type WireMessage } from '../../../testing/wire-message.ts'

const script = {
  tools: [toTool('echo')],
  prompts: ['{"name":"ask"}'],
  resources: ['{"uri":"x://1","name":"1"}'],
  isOpenedByHand: true,
}

interface Starting {
  readonly bench: RouterBench
  readonly client: MemoryClient
  readonly life: ServerLife
  readonly initialize: WireMessage
}

/** Server `r` is ready; `s`, of which nothing is known, has not answered `initialize`. */
async function openStarting(gateway: BenchOptions['gateway'] = {}): Promise<Starting> {
  const servers = { r: { script: { resources: ['{"uri":"r://1","name":"1"}'] } }, s: { script } }
  const bench = await openBench({ servers, gateway })
  bench.router.start()
  await bench.pool('r').upstreams[0]?.whenListed()
  const life = await bench.server('s').nextLife()
  return { bench, client: await bench.open(), life, initialize: await life.next('initialize') }
}

describe('while a server starts that has never told its lists', () => {
  it.each([
    ['tools/call', '{"name":"s__echo"}'],
    ['tools/call', '{"name":"echo"}'],
    ['prompts/get', '{"name":"ask"}'],
    ['resources/read', '{"uri":"x://1"}'],
    ['resources/subscribe', '{"uri":"x://1"}'],
    ['completion/complete', '{"ref":{"type":"ref/resource","uri":"x://1"}}'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"s__ask"}}'],
    ['vendor/odd', '{"name":"echo"}'],
  ])('%s %s waits for it', async (method, params) => {
    const { client, life, initialize } = await openStarting()
    const answer = client.request(method, params)
    life.open(initialize)
    life.reply(await life.next(method), '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('a name of it waits with naming tool', async () => {
    const { client, life, initialize } = await openStarting({ naming: 'tool' })
    const answer = client.call('echo')
    life.open(initialize)
    life.reply(await life.next('tools/call'), '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it.each([
    ['tools/call', '{"name":"nothing"}', -32602],
    ['resources/read', '{"uri":"y://1"}', -32002],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"nothing"}}', -32602],
  ])('%s %s is refused once it has told them', async (method, params, code) => {
    const { client, life, initialize } = await openStarting()
    const answer = client.request(method, params)
    await passBy(client)
    expect(client.lines.some((line) => line.includes('"error"'))).toBe(false)
    life.open(initialize)
    expect((await answer).error?.code).toBe(code)
  })

  it('a request is refused as unknown when it is lost, but of a name of its own its state is told', async () => {
    const { client, life } = await openStarting()
    const answers = [client.call('echo'), client.call('s__echo')]
    await life.exit()
    expect((await answers[0])?.error).toMatchObject({ data: { code: 'unknown-tool' } })
    expect((await answers[1])?.error).toMatchObject({ data: { code: 'server-unavailable', server: 's' } })
  })

  it('a name that looks like one of another server does not wait for it', async () => {
    const { client } = await openStarting()
    expect((await client.call('r__nothing')).error).toMatchObject({ data: { code: 'unknown-tool' } })
  })

  it('a client with more than 8 MiB of waiting requests is not read from until they are on their way', async () => {
    const { client, life, initialize } = await openStarting()
    const padding = JSON.stringify('x'.repeat(9 * 1024 * 1024))
    const answer = client.call('echo', padding)
    expect(client.holds).toBe(1)
    life.open(initialize)
    life.reply(await life.next('tools/call'), '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
    expect(client.holds).toBe(0)
  })

  it('a request that waits can be taken back', async () => {
    const { client, life, initialize } = await openStarting()
    client.write(toLine('resources/read', '{"uri":"x://1"}', '"c"'))
    client.notify('notifications/cancelled', '{"requestId":"c"}')
    life.open(initialize)
    await passThrough({ client, life })
    expect(life.count('resources/read')).toBe(0)
    expect(client.lines.filter((line) => line.includes('"c"'))).toEqual([])
  })

  it.each([
    ['tools/call', '{"name":"s__echo","_meta":{"progressToken" 1}}'],
    ['resources/read', '{"uri":"x://1","_meta":{"progressToken" 1}}'],
  ])('%s %s, broken inside, is answered with -32700', async (method, params) => {
    const { client, life, initialize } = await openStarting()
    client.write(`{"jsonrpc":"2.0","id":"b","method":"${method}","params":${params}}`)
    expect((await client.answerTo('b')).error?.code).toBe(-32700)
    life.open(initialize)
    await passThrough({ client, life })
  })
})

/** Lets everything go by that needs no server. */
async function passBy(client: MemoryClient): Promise<void> {
  await client.request('ping')
}
