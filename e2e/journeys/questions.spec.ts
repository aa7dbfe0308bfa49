// What servers ask their clients: sampling, elicitation, roots and what we have never heard of. Who is asked when
// several clients are there: promotion.spec.ts.
import { afterEach, describe, expect, it } from 'vitest'
import { RawAnswer, type RawClient } from '../clients/raw-client.ts'
import { eventually, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { OddLab } from '../hosts/odd-lab.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function start(servers: JsonObject = { asker: toServerEntry('asker.ts') }): Promise<Headless> {
  app = await startHeadless({ config: { servers } })
  return app
}

async function openClient(host: Headless, capabilities: JsonObject): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize(capabilities)
  return client
}

interface Answer {
  readonly error?: { code: number; message: string; data?: unknown }
  readonly result?: unknown
}

async function ask(
  client: RawClient,
  kind: string,
  args: JsonObject = {},
  server = 'asker',
): Promise<Answer> {
  return JSON.parse(await client.callText(`${server}__ask-${kind}`, { tag: 'x', ...args })) as Answer
}

describe('a question', () => {
  it('reaches the client as it was sent, and its answer the server', async () => {
    const client = await openClient(await start(), { sampling: {}, elicitation: {}, roots: {} })
    const methods = {
      sampling: 'sampling/createMessage',
      elicitation: 'elicitation/create',
      roots: 'roots/list',
    }
    for (const [kind, method] of Object.entries(methods)) {
      client.onQuestion(method, () => ({ of: kind, 'x/y': [1, null] }))
      expect((await ask(client, kind)).result).toEqual({ of: kind, 'x/y': [1, null] })
    }
    expect(client.questions.map((question) => question.get('params'))).toMatchObject([
      { messages: [{ role: 'user', content: { type: 'text', text: 'x' } }], maxTokens: 10 },
      { message: 'x', requestedSchema: { type: 'object', properties: {} } },
      { _meta: { tag: 'x' } },
    ])
  })

  it('that the client refuses: its error arrives with code, message and data as they came', async () => {
    const client = await openClient(await start(), { sampling: {} })
    const error = { code: -1, message: 'The user said no.', data: { why: [1] } }
    client.onQuestion('sampling/createMessage', () => new RawAnswer('error', JSON.stringify(error)))
    expect((await ask(client, 'sampling')).error).toEqual(error)
  })

  it('that nobody has heard of goes to the client, too', async () => {
    const client = await openClient(await start(), {})
    client.onQuestion('vendor/question', (question) => ({ echoed: question.get('params') }))
    expect((await ask(client, 'vendor')).result).toEqual({ echoed: { tag: 'x' } })
  })

  it('of two servers with equal ids at once: each gets its own answer', async () => {
    const servers = { one: toServerEntry('asker.ts'), two: toServerEntry('asker.ts') }
    const client = await openClient(await start(servers), { sampling: {} })
    client.onQuestion('sampling/createMessage', async (question) => {
      const text = JSON.stringify(question.get('params'))
      if (text.includes('of one')) await client.callText('two__count')
      return { for: /of \w+ \d+/.exec(text)?.[0] }
    })
    for (const server of ['one', 'two']) await waitForTool(client, `${server}__ask-sampling`)
    const rounds = [...Array(20).keys()].flatMap((round) =>
      ['one', 'two'].map((server) => ({ round, server })),
    )
    const wrong = await Promise.all(
      rounds.map(async ({ round, server }) => {
        const tag = `of ${server} ${round}`
        const { result } = await ask(client, 'sampling', { tag }, server)
        return (result as JsonObject)['for'] === tag ? [] : [tag]
      }),
    )
    expect(wrong.flat()).toEqual([])
    const ids = client.questions.map((question) => question.idKey)
    expect(new Set(ids).size).toBe(40)
  })

  it('is refused when its client goes', async () => {
    const host = await start({ asker: toServerEntry('asker.ts', {}, { isolation: 'shared' }) })
    const client = await openClient(host, { sampling: {} })
    client.onQuestion('sampling/createMessage', () => new Promise(() => undefined))
    await client.callText('asker__ask-later', { ms: 50, tag: 'x' })
    const asked = client.request('tools/call', { name: 'asker__ask-sampling', arguments: { tag: 'x' } })
    asked.catch(String)
    await client.waitFor((one) => one.method === 'sampling/createMessage')
    client.leave()
    const other = await openClient(host, {})
    const read = async (): Promise<unknown> => JSON.parse(await other.callText('asker__late-answers'))
    await eventually(read).toHaveLength(1)
    expect(JSON.stringify(await read())).toContain('error')
  })

  it('without a call in flight and with several clients is put to none, and refused with the reason', async () => {
    const host = await start({ asker: toServerEntry('asker.ts', {}, { isolation: 'shared' }) })
    const clients = [await openClient(host, { sampling: {} }), await openClient(host, { sampling: {} })]
    await clients[0]!.callText('asker__ask-later', { ms: 400, tag: 'x' })
    // The first look comes before the question, the second long after it: else it would be a call in flight.
    const read = async (): Promise<unknown> => JSON.parse(await clients[1]!.callText('asker__late-answers'))
    await eventually(read, { interval: 1500 }).toHaveLength(1)
    const [line] = (await read()) as string[]
    expect((JSON.parse(line!) as Answer).error?.message).toBeTruthy()
    for (const client of clients) expect(client.questions).toEqual([])
  })
})

describe('upstream we declare what Patchbay can bridge', () => {
  it('sampling, elicitation and roots, whoever the client is', async () => {
    const client = await openClient(await start(), {})
    const params = JSON.parse(await client.callText('asker__initialize-params')) as JsonObject
    expect(params['capabilities']).toMatchObject({
      sampling: {},
      elicitation: {},
      roots: { listChanged: true },
    })
    expect(params['clientInfo']).toMatchObject({ name: 'patchbay' })
  })

  it('a client that lacks a part of a capability is answered for by a refusal', async () => {
    const lab = new OddLab()
    try {
      const host = await start({ odd: lab.entry })
      const client = await openClient(host, { sampling: {}, elicitation: {} })
      await waitForTool(client, 'odd__act')
      for (const [method, params] of [
        ['sampling/createMessage', '{"messages":[],"maxTokens":1,"tools":[]}'],
        [
          'elicitation/create',
          '{"mode":"url","url":"https://example.com","elicitationId":"e","message":"m"}',
        ],
      ]) {
        lab.prepare({
          ask: `{"jsonrpc":"2.0","id":"q","method":"${method}","params":${params}}`,
          reply: '{}',
        })
        await client.request('tools/call', { name: 'odd__act' })
        const refusal = await lab.waitForReceived((one) => one.method === undefined && one.idKey === 'text q')
        expect(refusal.error?.message).toBeTruthy()
      }
      expect(client.questions).toEqual([])
    } finally {
      lab.dispose()
    }
  })
})

describe('roots', () => {
  it("a change of the client's roots is told to its own server", async () => {
    const host = await start({ asker: toServerEntry('asker.ts', {}, { isolation: 'session' }) })
    const [one, two] = [await openClient(host, { roots: { listChanged: true } }), await openClient(host, {})]
    for (const client of [one, two]) await client.callText('asker__count')
    const countTold = async (client: RawClient): Promise<number> => {
      const heard = JSON.parse(await client.callText('asker__notifications')) as string[]
      return heard.filter((line) => line.includes('notifications/roots/list_changed')).length
    }
    const before = [await countTold(one), await countTold(two)]
    one.notify('notifications/roots/list_changed')
    await eventually(() => countTold(one)).toBe(before[0]! + 1)
    expect(await countTold(two)).toBe(before[1])
  })
})
