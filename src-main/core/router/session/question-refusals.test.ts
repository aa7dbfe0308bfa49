import { describe, expect, it } from 'vitest'
import { openBench, openPair, passThrough } from '../../../testing/router-bench.ts'

const form = '{"message":"?","requestedSchema":{}}'
const url = '{"mode":"url","elicitationId":"e","url":"https://x","message":"?"}'

describe('a question that the client cannot handle', () => {
  it.each([
    ['roots/list', '{}', '{}', 'roots'],
    ['sampling/createMessage', '{}', '{"roots":{}}', 'sampling'],
    ['sampling/createMessage', '{"tools":[]}', '{"sampling":{}}', 'sampling with tools'],
    ['sampling/createMessage', '{"toolChoice":{}}', '{"sampling":{"context":{}}}', 'sampling with tools'],
    ['elicitation/create', form, '{}', 'elicitation'],
    ['elicitation/create', form, '{"elicitation":{"url":{}}}', 'elicitation by form'],
    ['elicitation/create', url, '{"elicitation":{}}', 'elicitation by web page'],
    ['elicitation/create', url, '{"elicitation":{"form":{}}}', 'elicitation by web page'],
  ])('is answered for by a refusal: %s %s with %s', async (method, params, capabilities, lacking) => {
    const { life, client } = await openPair({}, capabilities)
    const { error } = await life.ask('1', method, params)
    expect(error).toEqual({
      code: -32601,
      message: `The client “tester” does not offer ${lacking}.`,
      data: { code: 'capability-missing' },
    })
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })

  it.each([
    ['roots/list', '{}', '{"roots":{}}'],
    ['sampling/createMessage', '{}', '{"sampling":{}}'],
    ['sampling/createMessage', '{"tools":[]}', '{"sampling":{"tools":{}}}'],
    ['elicitation/create', form, '{"elicitation":{ }}'],
    ['elicitation/create', form, '{"elicitation":{"form":{},"url":{}}}'],
    ['elicitation/create', '{"mode":"form"}', '{"elicitation":{"form":{}}}'],
    ['elicitation/create', url, '{"elicitation":{"url":{}}}'],
    ['vendor/odd', '{}', '{}'],
  ])('is no such: %s %s with %s', async (method, params, capabilities) => {
    const { life, client } = await openPair({}, capabilities)
    const asked = life.ask('1', method, params)
    client.reply(await client.next(method), '{"ok":1}')
    expect((await asked).result).toEqual({ ok: 1 })
  })

  it('since it opened its session with broken JSON inside is refused', async () => {
    const { life, client } = await openPair({}, '{"sampling" {}}')
    expect((await life.ask('1', 'sampling/createMessage')).error).toBeDefined()
    await passThrough({ client, life })
  })
})

describe('a question', () => {
  it('is refused when no client is there', async () => {
    const bench = await openBench({ servers: { s: {} } })
    bench.connect()
    await bench.start()
    const life = await bench.server('s').nextLife()
    expect((await life.ask('1', 'roots/list')).error).toMatchObject({
      code: -32000,
      message: expect.stringContaining('nobody to ask') as string,
      data: { code: 'no-client' },
    })
  })

  it('goes to the only client that sees the server, though it has no call in flight', async () => {
    const bench = await openBench({ servers: { s: {}, t: {} } })
    await bench.start()
    const life = await bench.server('s').nextLife()
    const elsewhere = await bench.open('{"roots":{}}', 't')
    const client = await bench.open('{"roots":{}}')
    const asked = life.ask('1', 'roots/list')
    client.reply(await client.next('roots/list'), '{"roots":[]}')
    expect((await asked).result).toEqual({ roots: [] })
    expect(elsewhere.methods).toEqual([])
  })

  it('that several clients could be meant by, none of them with a call in flight, is put to none', async () => {
    const { bench, life, client } = await openPair({}, '{"roots":{}}')
    const other = await bench.open('{"roots":{}}')
    expect((await life.ask('1', 'roots/list')).error?.data).toEqual({ code: 'no-client' })
    expect([...client.methods, ...other.methods]).toEqual([])
  })

  it.each([
    ['sampling/createMessage', '{"_meta":{"progressToken":1 2}}'],
    ['elicitation/create', '{"mode" "url"}'],
  ])('with broken JSON inside is refused and harms nobody: %s %s', async (method, params) => {
    const { life, client } = await openPair({}, '{"sampling":{},"elicitation":{}}')
    expect((await life.ask('"x"', method, params)).error).toBeDefined()
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })
})
