// What a client of the whole may send besides: unknown methods, completion, and lines that are no messages.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readError, readNames, waitForTool } from '../clients/views.ts'
import { carrier, startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { OddLab } from '../hosts/odd-lab.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

function toEntry(name: string): JsonObject {
  return toServerEntry(
    'echo.ts',
    {
      name,
      prompts: [{ name: 'greet', arguments: ['who'] }],
      resources: [
        { uri: `note://${name}`, text: name },
        { uri: 'note://both', text: name },
      ],
      templates: [`note://${name}/{id}`],
    },
    { isolation: 'shared' },
  )
}

async function openWith(servers: JsonObject): Promise<RawClient> {
  app = await startHeadless({ config: { servers } })
  const client = app.openShim()
  await client.initialize()
  const enabled = Object.keys(servers).filter((name) => (servers[name] as JsonObject)['enabled'] !== false)
  for (const name of enabled) await waitForTool(client, `${name}__echo`)
  await eventually(() => readNames(client, 'prompts')).toHaveLength(enabled.length)
  await eventually(() => readNames(client, 'resourceTemplates')).toHaveLength(enabled.length)
  return client
}

const both = (): Promise<RawClient> => openWith({ one: toEntry('one'), two: toEntry('two') })

describe('unknown requests are', () => {
  it('routed when their name tells the server, which sees its own name', async () => {
    const client = await both()
    for (const name of ['echo', 'greet']) {
      const result = await client.result('vendor/thing', { name: `two__${name}`, more: 1 })
      expect(result).toEqual({ name, more: 1 })
    }
    expect(await readError(client, 'strange/thing', { name: 'two__echo' })).toEqual({
      code: -32601,
      message: 'No method strange/thing.',
    })
  })

  it('routed when their uri tells the server, which sees its own uri', async () => {
    const client = await both()
    for (const uri of ['note://two', 'note://two/7'])
      expect(await client.result('vendor/thing', { uri })).toEqual({ uri })
    // The echo comes from the second server: its uri is rewritten on the way back, too.
    const uri = 'patchbay://two/note%3A%2F%2Fboth'
    const params = (await client.request('vendor/thing', { uri })).get('result') as JsonObject
    expect([uri, 'note://both']).toContain(params['uri'])
  })

  it('else -32601', async () => {
    const client = await both()
    for (const params of [undefined, {}, { name: 'nonsense' }, { uri: 'nonsense://x' }, { name: 7 }, [1]]) {
      const { code } = await readError(client, 'vendor/thing', params)
      expect(code).toBe(-32601)
    }
  })

  it('routed when only one server is enabled', async () => {
    const client = await openWith({ one: toEntry('one'), two: { ...toEntry('two'), enabled: false } })
    expect(await client.result('vendor/thing', { a: 1 })).toEqual({ a: 1 })
    expect(await readError(client, 'strange/thing')).toEqual({
      code: -32601,
      message: 'No method strange/thing.',
    })
  })
})

describe('unknown notifications are dropped for the whole', () => {
  it("the client's, with one server and with several; the session goes on", async () => {
    const client = await openWith({ one: toEntry('one') })
    client.notify('notifications/vendor', { name: 'one__echo' })
    client.notify('vendor/without-id')
    expect(await client.callText('one__notifications')).not.toContain('vendor')
  })

  it("the server's", async () => {
    const lab = new OddLab()
    try {
      app = await startHeadless({ config: { servers: { odd: lab.entry } } })
      const client = app.openShim()
      await client.initialize()
      await waitForTool(client, 'odd__act')
      const after = client.mark()
      lab.prepare({ emit: '{"jsonrpc":"2.0","method":"notifications/vendor"}' })
      await client.request('tools/call', { name: 'odd__act' })
      expect(client.received.slice(after).map((one) => one.method)).toEqual([undefined])
    } finally {
      lab.dispose()
    }
  })
})

describe('completion', () => {
  const argument = { name: 'who', value: 'A' }

  it('goes to the server of the prompt, by its own name, with its context', async () => {
    const client = await both()
    const params = {
      ref: { type: 'ref/prompt', name: 'two__greet' },
      argument,
      context: { arguments: { x: '1' } },
    }
    const { completion } = await client.result('completion/complete', params)
    expect(completion).toMatchObject({ values: ['ref/prompt greet', 'who=A', '{"arguments":{"x":"1"}}'] })
  })

  it('goes to the server of the template', async () => {
    const client = await both()
    const params = { ref: { type: 'ref/resource', uri: 'note://two/{id}' }, argument }
    const { completion } = await client.result('completion/complete', params)
    expect(completion).toMatchObject({ values: ['ref/resource note://two/{id}', 'who=A', 'null'] })
  })

  it('of nobody is -32602', async () => {
    const client = await both()
    for (const ref of [{ type: 'ref/prompt', name: 'none' }, { type: 'ref/resource', uri: 'x://{y}' }, {}]) {
      expect((await readError(client, 'completion/complete', { ref, argument })).code).toBe(-32602)
    }
  })
})

describe('lines that are no messages', () => {
  it('are answered with an error, and the session goes on', async () => {
    const client = await both()
    const refused = async (line: string, code: number): Promise<void> => {
      const after = client.mark()
      client.sendRaw(line)
      const answer = await client.waitFor((one) => one.error !== undefined, { after })
      expect(answer.error?.code).toBe(code)
    }
    await refused('this is no JSON', -32700)
    await refused('{"jsonrpc":"2.0","id":1,"method":"tools/list"', -32700)
    await refused('7', -32600)
    await refused('{"jsonrpc":"2.0","id":1,"method":7}', -32600)
    await refused('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600)
    expect(await client.callText('one__echo', { text: 'still there' })).toBe('still there')
  })

  // Over HTTP there is no session before initialize: http-gateway.spec.ts.
  it.skipIf(carrier !== 'shim')('requests before initialize are refused, ping is answered', async () => {
    app = await startHeadless({ config: { servers: { one: toEntry('one') } } })
    const client = app.openShim()
    expect(await client.result('ping')).toEqual({})
    expect((await readError(client, 'tools/list')).message).toContain('initialize')
    await client.initialize()
    expect(await client.result('ping')).toEqual({})
  })

  it('an empty name, no name and no uri are wrong params', async () => {
    const client = await both()
    for (const [method, params] of [
      ['tools/call', {}],
      ['tools/call', { name: 7 }],
      ['tools/call', { name: 'one__none' }],
      ['tools/call', { name: '' }],
      ['prompts/get', { name: 'one__none' }],
      ['prompts/get', undefined],
      ['resources/read', {}],
      ['tools/list', { cursor: 'x' }],
    ] as const)
      expect((await readError(client, method, params)).code).toBe(-32602)
  })
})
