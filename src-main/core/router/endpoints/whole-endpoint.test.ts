import { describe, expect, it } from 'vitest'
import { openBench, openPair, type RouterBench } from '../../../testing/router-bench.ts'
import { toTool, type ServerLife } from '../../../testing/scripted-server.ts'
import type { MemoryClient } from '../../../testing/memory-client.ts'

const a = {
  tools: [toTool('read'), toTool('off')],
  prompts: ['{"name":"ask"}'],
  resources: ['{"uri":"x://1","name":"1"}'],
  resourceTemplates: ['{"uriTemplate":"t://{id}","name":"t"}'],
}
const b = {
  tools: [toTool('read'), toTool('only.b')],
  prompts: ['{"name":"tell"}'],
  resources: ['{"uri":"x://1","name":"1"}', '{"uri":"x://2","name":"2"}'],
}

interface Two {
  readonly bench: RouterBench
  readonly client: MemoryClient
  readonly a: ServerLife
  readonly b: ServerLife
}

async function openTwo(): Promise<Two> {
  const servers = { a: { script: a, config: { tools: { disabled: ['off'] } } }, b: { script: b } }
  const bench = await (await openBench({ servers })).start()
  const lives = { a: await bench.server('a').nextLife(), b: await bench.server('b').nextLife() }
  return { bench, client: await bench.open(), ...lives }
}

describe('lists of the whole', () => {
  it.each([
    ['tools/list', 'tools', 'name', ['a__read', 'b__read', 'b__only_b']],
    ['prompts/list', 'prompts', 'name', ['a__ask', 'b__tell']],
    ['resources/list', 'resources', 'uri', ['x://1', 'patchbay://b/x%3A%2F%2F1', 'x://2']],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate', ['t://{id}']],
  ])('%s: those of every server, in the order of the configuration', async (method, member, key, names) => {
    const { client } = await openTwo()
    const items = (await client.request(method)).result?.[member] as Record<string, unknown>[]
    expect(items.map((item) => item[key])).toEqual(names)
  })

  it('have one page: a cursor is refused', async () => {
    const { client } = await openTwo()
    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])
      expect((await client.request(method, '{"cursor":"2"}')).error?.code).toBe(-32602)
    expect((await client.request('tools/list', '{}')).result).toBeDefined()
  })

  it('are there at once, as they were last known, before a server has started', async () => {
    const { bench, client } = await openTwo()
    const { text } = await client.request('tools/list')
    await bench.router.close()
    const servers = { a: { script: a, config: { tools: { disabled: ['off'] } } }, b: { script: b } }
    const next = await openBench({ servers, dataFolder: bench.dataFolder })
    await next.router.recall()
    expect((await (await next.open()).request('tools/list')).text).toBe(text)
  })
})

describe('names and URIs of the whole', () => {
  it.each([
    ['tools/call', '{"name":"b__only_b","x":1.0}', 'b', '{"name":"only.b","x":1.0}'],
    ['tools/call', '{"name":"only.b"}', 'b', '{"name":"only.b"}'],
    ['prompts/get', '{"name":"b__tell"}', 'b', '{"name":"tell"}'],
    ['resources/read', '{"uri":"x://1"}', 'a', '{"uri":"x://1"}'],
    ['resources/read', '{"uri":"patchbay://b/x%3A%2F%2F1"}', 'b', '{"uri":"x://1"}'],
    ['resources/read', '{"uri":"t://7"}', 'a', '{"uri":"t://7"}'],
    [
      'completion/complete',
      '{"ref":{"type":"ref/prompt","name":"a__ask"},"argument":{}}',
      'a',
      '{"ref":{"type":"ref/prompt","name":"ask"},"argument":{}}',
    ],
    [
      'completion/complete',
      '{"ref":{"type":"ref/resource","uri":"t://{id}"}}',
      'a',
      '{"ref":{"type":"ref/resource","uri":"t://{id}"}}',
    ],
    [
      'completion/complete',
      '{"ref":{"type":"ref/resource","uri":"x://2"}}',
      'b',
      '{"ref":{"type":"ref/resource","uri":"x://2"}}',
    ],
    ['vendor/odd', '{"name":"b__read"}', 'b', '{"name":"read"}'],
    ['vendor/odd', '{"name":"b__tell"}', 'b', '{"name":"tell"}'],
    ['vendor/odd', '{"uri":"patchbay://b/x%3A%2F%2F1"}', 'b', '{"uri":"x://1"}'],
  ] as const)('%s %s goes to %s as %s', async (method, params, server, sent) => {
    const two = await openTwo()
    const answer = two.client.request(method, params)
    const call = await two[server].next(method)
    expect(call.text).toContain(`"params":${sent}}`)
    two[server].reply(call, '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('have the URIs in an answer under their aliases', async () => {
    const { client, b: life } = await openTwo()
    const answer = client.call('b__read')
    life.reply(await life.next('tools/call'), '{"content":[{"type":"resource_link","uri":"x://1"}]}')
    expect((await answer).text).toContain('{"type":"resource_link","uri":"patchbay://b/x%3A%2F%2F1"}')
  })

  it('go with an answer that is broken inside as it is', async () => {
    const { client, b: life } = await openTwo()
    client.write('{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"b__read"}}')
    life.reply(await life.next('tools/call'), '{"content":[{"type" 1}]}')
    const isAnswer = ({ text }: { text: string }): boolean => text.includes('{"content":[{"type" 1}]}')
    expect((await client.inbox.take('the answer', isAnswer)).text).toContain('"id":"x"')
  })

  it('that are switched off are refused and say so', async () => {
    const { client, a: life } = await openTwo()
    for (const method of ['tools/call', 'vendor/odd']) {
      const { error } = await client.request(method, '{"name":"a__off"}')
      expect(error).toMatchObject({ code: -32602, data: { code: 'tool-off', server: 'a' } })
      expect(error?.message).toContain('“off” of the server “a” is switched off')
    }
    await life.ask('"barrier"', 'ping')
    expect(life.count('tools/call') + life.count('vendor/odd')).toBe(0)
  })

  it.each([
    ['tools/call', '{"name":"nothing"}', -32602],
    ['tools/call', '{"name":"a__nothing"}', -32602],
    ['tools/call', '{"name":7}', -32602],
    ['tools/call', undefined, -32602],
    ['prompts/get', '{"name":"a__read"}', -32602],
    ['prompts/get', '{}', -32602],
    ['resources/read', '{"uri":"y://1"}', -32002],
    ['resources/read', '{}', -32602],
    ['resources/subscribe', '{"uri":"y://1"}', -32002],
    ['resources/unsubscribe', '{"uri":1}', -32602],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"nothing"}}', -32602],
    ['completion/complete', '{"ref":{"type":"ref/resource","uri":"y://1"}}', -32602],
    ['completion/complete', '{}', -32602],
    ['vendor/odd', '{"name":"nothing","uri":"y://1"}', -32601],
    ['vendor/odd', undefined, -32601],
    ['vendor/odd', '[1]', -32601],
  ])('that lead nowhere are refused: %s %s', async (method, params, code) => {
    const { client } = await openTwo()
    expect((await client.request(method, params)).error?.code).toBe(code)
  })
})

describe('the whole', () => {
  it('answers ping itself', async () => {
    const { client, a: life } = await openTwo()
    expect((await client.request('ping')).result).toEqual({})
    expect(life.count('ping')).toBe(0)
  })

  it('hands a method it has never heard of to the only server there is', async () => {
    const { life, client } = await openPair()
    const answer = client.request('vendor/odd', '{"n":1.0}')
    const call = await life.next('vendor/odd')
    expect(call.text).toContain('"params":{"n":1.0}')
    life.reply(call, '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('hands a URI that is in nobody’s list to the only server that has resources', async () => {
    const servers = { a: { script: { capabilities: '{"tools":{}}' } }, b: {} }
    const bench = await (await openBench({ servers })).start()
    const life = await bench.server('b').nextLife()
    const client = await bench.open()
    const answer = client.request('resources/read', '{"uri":"z://1"}')
    life.reply(await life.next('resources/read'), '{"contents":[]}')
    expect((await answer).result).toEqual({ contents: [] })
  })

  it('drops notifications it has never heard of, of clients and of servers', async () => {
    const { client, a: life } = await openTwo()
    client.notify('notifications/vendor', '{"name":"a__read"}')
    life.notify('notifications/vendor', '{}')
    await life.ask('"barrier"', 'ping')
    expect(client.methods).toEqual([])
    expect(life.count('notifications/vendor')).toBe(0)
  })
})
