import { describe, expect, it } from 'vitest'
import { openBench, openPair, passThrough, waitUntil } from '../../../testing/router-bench.ts'
import { toTool } from '../../../testing/scripted-server.ts'

const able = '{"roots":{"listChanged":true},"sampling":{},"elicitation":{}}'

describe('a question of a server', () => {
  it.each([
    ['sampling/createMessage', '{"messages":[],"maxTokens":9007199254740993}'],
    ['elicitation/create', '{"message":"?","requestedSchema":{"x":1.0}}'],
    ['roots/list', '{"_meta":{"x":1.0}}'],
    ['vendor/odd', '[1.0]'],
  ])('goes to the client and its answer back, byte for byte but for the id: %s', async (method, params) => {
    const { life, client } = await openPair({}, able)
    const call = client.call('s__echo')
    const asked = life.ask('"q\\u0031"', method, params)
    const question = await client.next(method)
    expect(question.text).toBe(
      `{"jsonrpc":"2.0","id":${Number(question.id)},"method":"${method}","params":${params}}`,
    )
    client.reply(question, '{"n":1.0, "big":9007199254740993}')
    expect((await asked).text).toBe(
      '{"jsonrpc":"2.0","id":"q\\u0031","result":{"n":1.0, "big":9007199254740993}}',
    )
    life.reply(await life.next('tools/call'))
    await call
  })

  it('that the client refuses is refused with the client’s own error', async () => {
    const { life, client } = await openPair({}, able)
    const asked = life.ask('1', 'elicitation/create')
    const question = await client.next('elicitation/create')
    client.write(`{"jsonrpc":"2.0","id":${Number(question.id)},"error":{"code":-1.0,"message":"no"}}`)
    expect((await asked).text).toContain('"error":{"code":-1.0,"message":"no"}')
  })

  it('about being there is answered by Patchbay itself', async () => {
    const { life, client } = await openPair({}, able)
    expect((await life.ask('7', 'ping')).text).toBe('{"jsonrpc":"2.0","id":7,"result":{}}')
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })

  it('and another of the same id on another server are told apart', async () => {
    const bench = await openBench({ servers: { a: {}, b: {} } })
    await bench.start()
    const lives = [await bench.server('a').nextLife(), await bench.server('b').nextLife()]
    const client = await bench.open(able)
    const asked = lives.map((life) => life.ask('1', 'vendor/odd'))
    const questions = [await client.next('vendor/odd'), await client.next('vendor/odd')]
    expect(questions[0]?.id).not.toBe(questions[1]?.id)
    for (const question of questions) client.reply(question, `{"to":${Number(question.id)}}`)
    const answers = (await Promise.all(asked)).map(({ result }) => result?.['to'])
    expect(new Set(answers)).toEqual(new Set(questions.map(({ id }) => id)))
  })

  it('gets progress of the client under its own token', async () => {
    const { life, client } = await openPair({}, able)
    const asked = life.ask('1', 'sampling/createMessage', '{"_meta":{"progressToken":"t\\u0031"},"n":1.0}')
    const question = await client.next('sampling/createMessage')
    expect(question.text).toContain(`"params":{"_meta":{"progressToken":${Number(question.id)}},"n":1.0}`)
    client.notify('notifications/progress', `{"progressToken":${Number(question.id)},"progress":1.0}`)
    expect((await life.next('notifications/progress')).text).toContain(
      '{"progressToken":"t\\u0031","progress":1.0}',
    )
    client.reply(question, '{}')
    await asked
  })

  it('without a token gets no progress', async () => {
    const { life, client } = await openPair({}, able)
    const asked = life.ask('1', 'sampling/createMessage')
    const question = await client.next('sampling/createMessage')
    client.notify('notifications/progress', `{"progressToken":${Number(question.id)},"progress":1}`)
    client.reply(question, '{}')
    await asked
    expect(life.count('notifications/progress')).toBe(0)
  })

  it('that the server takes back is taken back from the client, and a late answer is dropped', async () => {
    const { life, client } = await openPair({}, able)
    void life.ask('"q"', 'sampling/createMessage')
    const question = await client.next('sampling/createMessage')
    life.notify('notifications/cancelled', '{"requestId":"\\u0071","reason":"enough"}')
    expect((await client.next('notifications/cancelled')).text).toContain(
      `{"requestId":${Number(question.id)},"reason":"enough"}`,
    )
    client.reply(question, '{}')
    await passThrough({ client, life })
    expect(life.lines.filter((line) => line.includes('"q"'))).toEqual([])
  })

  it('that nobody was asked, or that is taken back twice, bothers no client', async () => {
    const { life, client } = await openPair({}, able)
    const asked = life.ask('1', 'sampling/createMessage')
    client.reply(await client.next('sampling/createMessage'), '{}')
    await asked
    for (const params of ['{"requestId":1}', '{"requestId":"other"}', '{}'])
      life.notify('notifications/cancelled', params)
    await passThrough({ client, life })
    expect(client.methods).toEqual(['sampling/createMessage'])
  })

  it('is refused when the client ends its session before it answered', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, able)
    const asked = life.ask('1', 'sampling/createMessage')
    await client.next('sampling/createMessage')
    await bench.open()
    client.close()
    expect((await asked).error).toMatchObject({ code: -32000, data: { code: 'client-gone' } })
  })

  it('is taken back from the client when the server is lost', async () => {
    const { life, client } = await openPair({}, able)
    void life.ask('1', 'sampling/createMessage')
    const question = await client.next('sampling/createMessage')
    await life.exit()
    expect((await client.next('notifications/cancelled')).params).toEqual({
      requestId: question.id,
      reason: 'The server was lost.',
    })
    client.reply(question, '{}')
  })

  it('that was sent with the answer to initialize is put as well', async () => {
    const bench = await openBench({ servers: { s: { script: { isOpenedByHand: true } } } })
    const client = await bench.open(able)
    bench.router.start()
    const life = await bench.server('s').nextLife()
    const asked = life.ask('1', 'roots/list')
    life.open(await life.next('initialize'))
    client.reply(await client.next('roots/list'), '{"roots":[]}')
    expect((await asked).result).toEqual({ roots: [] })
  })
})

describe('an answer to nothing', () => {
  it('is dropped', async () => {
    const { life, client } = await openPair({}, able)
    const lines = life.lines.length
    client.write('{"jsonrpc":"2.0","id":99,"result":{}}')
    client.write('{"jsonrpc":"2.0","id":null,"error":{}}')
    await passThrough({ client, life })
    expect(life.lines).toHaveLength(lines + 1)
  })
})

describe('a client that was sent to a web page', () => {
  const urls = '{"elicitation":{"url":{}}}'

  it('by a question hears that it is done, once, and no other client does', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, urls)
    const other = await bench.open(urls)
    const call = client.call('s__echo')
    await life.next('tools/call')
    const asked = life.ask('1', 'elicitation/create', '{"mode":"url","elicitationId":"e","url":"https://x"}')
    client.reply(await client.next('elicitation/create'), '{"action":"accept"}')
    await asked
    life.notify('notifications/elicitation/complete', '{"elicitationId":"e","x":1.0}')
    expect((await client.next('notifications/elicitation/complete')).text).toContain(
      '{"elicitationId":"e","x":1.0}',
    )
    life.notify('notifications/elicitation/complete', '{"elicitationId":"e"}')
    life.notify('notifications/elicitation/complete', '{}')
    await passThrough({ client, life })
    expect(client.methods.filter((method) => method.endsWith('complete'))).toHaveLength(1)
    expect(other.methods).toEqual([])
    void call
  })

  it('by an error (-32042) hears that it is done', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, urls)
    const other = await bench.open(urls)
    const answer = client.call('s__echo')
    life.fail(
      await life.next('tools/call'),
      '{"code":-32042,"message":"sign in","data":{"elicitations":[{"mode":"url","elicitationId":"e"},{}]}}',
    )
    expect((await answer).error?.code).toBe(-32042)
    life.notify('notifications/elicitation/complete', '{"elicitationId":"e"}')
    await client.next('notifications/elicitation/complete')
    expect(other.methods).toEqual([])
  })

  it('and left is told nothing, nor is anybody else', async () => {
    const { bench, life, client } = await openPair({ config: { isolation: 'shared' } }, urls)
    const other = await bench.open(urls)
    const answer = client.call('s__echo')
    life.fail(
      await life.next('tools/call'),
      '{"code":-32042,"message":"","data":{"elicitations":[{"elicitationId":"e"}]}}',
    )
    await answer
    client.close()
    life.notify('notifications/elicitation/complete', '{"elicitationId":"e"}')
    await passThrough({ client: other, life })
    expect([...client.methods, ...other.methods]).toEqual([])
  })

  it('by one server hears of that one, also when another server uses the same elicitationId', async () => {
    const tools = [toTool('echo')]
    const bench = await openBench({ servers: { a: { script: { tools } }, b: { script: { tools } } } })
    await bench.start()
    const [a, b] = [await bench.server('a').nextLife(), await bench.server('b').nextLife()]
    const [first, second] = [await bench.open(urls), await bench.open(urls)]
    const error = '{"code":-32042,"message":"","data":{"elicitations":[{"elicitationId":"1"}]}}'
    const answers = [first.call('a__echo'), second.call('b__echo')]
    a.fail(await a.next('tools/call'), error)
    await answers[0]
    b.fail(await b.next('tools/call'), error)
    await answers[1]
    a.notify('notifications/elicitation/complete', '{"elicitationId":"1"}')
    await waitUntil('somebody hears of it', () => first.methods.length + second.methods.length > 0)
    expect([first.methods.length, second.methods.length]).toEqual([1, 0])
  })
})
