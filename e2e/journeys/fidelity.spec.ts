import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oddIds, oddReplies, oddRequests, oddValues } from '../clients/odd-messages.ts'
import type { OddExchange, OddValue } from '../clients/odd-messages.ts'
import { RawAnswer, type RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { OddLab, type OddScript } from '../hosts/odd-lab.ts'
import { cut, splice, toIdKey } from '../servers/json-span.ts'

const plainCall = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%NAME%"}}'
const plainVendor = '{"jsonrpc":"2.0","id":1,"method":"vendor/odd","params":{}}'
const cancellation = Buffer.from(
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}',
)
const toolName = ['name']
const progressToken = ['_meta', 'progressToken']

let lab: OddLab
let app: Headless
/** Sees all servers, with prefixed names. */
let whole: RawClient
/** Sees the server odd alone, as it is. */
let alone: RawClient

beforeAll(async () => {
  lab = new OddLab()
  app = await startHeadless({ config: { servers: { odd: lab.entry, echo: toServerEntry('echo.ts') } } })
  whole = app.openShim()
  alone = app.openShim({ server: 'odd' })
  await whole.initialize()
  await alone.initialize({ sampling: {}, elicitation: {}, roots: { listChanged: true } })
})

afterAll(async () => {
  try {
    await app.dispose()
  } finally {
    lab.dispose()
  }
})

/** Where two byte strings part, with what stands there; undefined when they are equal. */
function findDifference(arrived: Buffer | undefined, sent: Buffer | undefined): string | undefined {
  if (arrived === undefined || sent === undefined) {
    return arrived === sent ? undefined : `arrived: ${arrived === undefined ? 'nothing' : 'something'}`
  }
  if (arrived.equals(sent)) return undefined
  const at = sent.findIndex((byte, index) => byte !== arrived[index])
  const start = Math.max(0, at === -1 ? sent.length : at) - 20
  const show = (bytes: Buffer): string => bytes.toString('utf8', Math.max(0, start), start + 80)
  return `at byte ${at} of ${sent.length}: ${show(arrived)} instead of ${show(sent)}`
}

/** The params that arrived, with what the product must change put back. */
function putBack(
  arrived: Buffer | undefined,
  sent: Buffer | undefined,
  paths: string[][],
): Buffer | undefined {
  if (arrived === undefined || sent === undefined) return arrived
  return paths.reduce((bytes, path) => splice(bytes, path, cut(sent, ...path) ?? ''), arrived)
}

/** Sends a request line; the bytes of params at the server, and of the reply and the id here, must be those sent. */
async function exchange(client: RawClient, line: string, script: OddScript): Promise<void> {
  lab.prepare(script)
  const sent = Buffer.from(line)
  const answer = await client.requestRaw(line, 10_000).catch((error: unknown) => {
    // What hangs must not stay in flight: it would change what the next tests see.
    client.sendRaw(splice(cancellation, ['params', 'requestId'], cut(sent, 'id')!))
    throw error
  })
  const method = JSON.parse(String(cut(sent, 'method'))) as string
  const received = await lab.waitForReceived((message) => message.method === method)
  const paths = client === whole ? [toolName, progressToken] : [progressToken]
  const name = JSON.parse(String(cut(sent, 'params', 'name') ?? 'null')) as string | null
  expect(received.get('params', 'name') ?? null).toBe(name?.replace('odd__', '') ?? null)
  const params = cut(sent, 'params')
  expect(findDifference(putBack(received.raw('params'), params, paths), params)).toBeUndefined()
  expect(String(answer.id)).toBe(String(cut(sent, 'id')))
  const { kind = 'result', reply = '{}' } = script
  const member = kind === 'error' ? 'error' : 'result'
  const expected = kind === 'line' ? cut(Buffer.from(reply), member) : Buffer.from(reply)
  expect(findDifference(answer.raw(member), expected)).toBeUndefined()
}

function callWhole({ request = plainCall, ...script }: OddExchange): Promise<void> {
  return exchange(whole, request.replace('%NAME%', 'odd__act'), script)
}

function withId(line: string, id: string): string {
  return splice(Buffer.from(line), ['id'], id).toString('utf8')
}

function withParams(line: string, params: string): string {
  return splice(Buffer.from(line), ['params'], params).toString('utf8')
}

describe('a call through shim and app keeps every byte of', () => {
  it.each(oddRequests)('a request with $title', callWhole)
  it.each(oddReplies)('$title', callWhole)
  it.each(oddValues)('arguments, result and error data with $title', async ({ json }: OddValue) => {
    const request = withParams(plainCall, `{"name":"%NAME%","arguments":${json}}`)
    await callWhole({ title: '', request, reply: json })
    await callWhole({ title: '', kind: 'error', reply: `{"code":-32000,"message":"m","data":${json}}` })
  })
})

describe('the id comes back as it was written', () => {
  it.each(oddIds)('$title', ({ json }: OddValue) =>
    callWhole({ title: '', request: withId(plainCall, json) }),
  )

  it('1 and "1" in flight at once are two requests', async () => {
    const call = (id: string, value: string): string =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":` +
      `{"name":"echo__sleep","arguments":{"ms":100,"value":"${value}"}}}`
    const answers = await Promise.all([
      whole.requestRaw(call('1', 'number')),
      whole.requestRaw(call('"1"', 'text')),
    ])
    expect(answers.map((answer) => [String(answer.id), answer.text])).toEqual([
      ['1', 'number'],
      ['"1"', 'text'],
    ])
  })

  it('a cancellation finds its request however the id is written', async () => {
    const written = String.raw`"\u0063ancel\/me"`
    const line = `{"jsonrpc":"2.0","id":${written},"method":"tools/call","params":{"name":"echo__sleep","arguments":{"ms":30000}}}`
    whole.sendRaw(line)
    whole.notify('notifications/cancelled', { requestId: 'cancel/me', reason: 'how it is written' })
    await expect.poll(() => whole.callText('echo__cancelled-report')).toContain('how it is written')
    const report = JSON.parse(await whole.callText('echo__cancelled-report')) as unknown[]
    expect(report).toEqual([expect.objectContaining({ known: true, reason: 'how it is written' })])
  })
})

describe('a progress token comes back as it was written', () => {
  it.each(oddIds)('$title', async ({ json }: OddValue) => {
    const after = whole.mark()
    const id = whole.nextId()
    const meta = `{"a":1.0,"progressToken":${json}}`
    const call = `{"name":"echo__progress","arguments":{"n":1},"_meta":${meta}}`
    const answer = await whole.requestRaw(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${call}}`,
    )
    expect(answer.text).toBe('sent 1')
    const progress = await whole.waitForNotification('notifications/progress', { after })
    expect(String(progress.raw('params'))).toBe(`{"progressToken":${json},"progress":1,"message":"step 1"}`)
  })
})

describe('one server alone passes what nobody knows', () => {
  it.each(oddValues)('a method with $title, both ways', async ({ json }: OddValue) => {
    await exchange(alone, withParams(plainVendor, json), { reply: json })
  })

  it.each(['[]', '[1.0,{"a":-0}]', '{}'])('a method with params %s', (json) =>
    exchange(alone, withParams(plainVendor, json), { reply: 'null' }),
  )

  it('a method without params', () =>
    exchange(alone, '{"method":"vendor/bare","id":"x","jsonrpc":"2.0"}', { reply: '{}' }))

  it('a method whose name is escaped', () =>
    exchange(alone, plainVendor.replace('vendor/odd', String.raw`v\u0065ndor\/odd`), { reply: '{}' }))

  it('a call by its own name', () => exchange(alone, plainCall.replace('%NAME%', 'act'), { reply: '{}' }))

  it.each(oddIds)('a method with the id $title', ({ json }: OddValue) =>
    exchange(alone, withId(plainVendor, json), { reply: '{}' }),
  )

  it.each(oddValues)('notifications with $title, both ways', async ({ json }: OddValue) => {
    const notification = `{"jsonrpc":"2.0","method":"notifications/vendor","params":${json}}`
    lab.prepare({ emit: notification })
    alone.sendRaw(notification)
    const received = await lab.waitForReceived((message) => message.method === 'notifications/vendor')
    expect(findDifference(received.raw('params'), Buffer.from(json))).toBeUndefined()
    const after = alone.mark()
    await alone.request('vendor/emit', {})
    const told = await alone.waitForNotification('notifications/vendor', { after })
    expect(findDifference(told.raw('params'), Buffer.from(json))).toBeUndefined()
  })

  it('a notification without params', async () => {
    lab.prepare({})
    alone.sendRaw('{"method":"notifications/bare","jsonrpc":"2.0"}')
    const received = await lab.waitForReceived((message) => message.method === 'notifications/bare')
    expect(received.raw('params')).toBeUndefined()
  })
})

describe("a server's question and its answer keep every byte of", () => {
  async function askedAndAnswered(question: string, answer: RawAnswer): Promise<void> {
    const sent = Buffer.from(question)
    const id = cut(sent, 'id')!
    const method = JSON.parse(String(cut(sent, 'method'))) as string
    alone.onQuestion(method, () => answer)
    const after = alone.mark()
    await exchange(alone, plainCall.replace('%NAME%', 'act'), { ask: question, reply: '{}' })
    const asked = await alone.waitFor((message) => message.method === method, { after })
    expect(findDifference(asked.raw('params'), cut(sent, 'params'))).toBeUndefined()
    const answered = await lab.waitForReceived(
      (message) => message.method === undefined && message.id !== undefined && message.idKey === toIdKey(id),
    )
    expect(String(answered.id)).toBe(String(id))
    const member = answer.member === 'error' ? 'error' : 'result'
    const expected = answer.member === 'line' ? cut(answer.bytes, member) : answer.bytes
    expect(findDifference(answered.raw(member), expected)).toBeUndefined()
  }

  it.each(oddValues)('$title', async ({ json }: OddValue) => {
    const question = `{"jsonrpc":"2.0","id":1,"method":"vendor/question","params":${json}}`
    await askedAndAnswered(question, new RawAnswer('result', json))
  })

  it.each(oddReplies)('an answer: $title', async ({ kind, reply }) => {
    const question = '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"x":1.0}}'
    await askedAndAnswered(question, new RawAnswer(kind ?? 'result', reply!))
  })

  it.each(oddIds)('its id: $title', async ({ json }: OddValue) => {
    const question = `{"params":{"message":"m"},"method":"elicitation/create","jsonrpc":"2.0","id":${json}}`
    await askedAndAnswered(question, new RawAnswer('result', '{"action":"decline"}'))
  })
})

describe('lists keep what they do not know', () => {
  const listed =
    String.raw`{"name":"act","x-odd":{"big":9007199254740993,"float":1.0,"text":"\u00e9\/"},` +
    '"inputSchema":{"type":"object","x-limit":123456789012345678901234567890},"annotations":{"x-hint":null}}'

  it('of one server alone', async () => {
    expect(String((await alone.request('tools/list')).raw('result'))).toContain(listed)
  })

  it('of the whole, apart from the name', async () => {
    const prefixed = listed.replace('"act"', '"odd__act"')
    expect(String((await whole.request('tools/list')).raw('result'))).toContain(prefixed)
  })
})
