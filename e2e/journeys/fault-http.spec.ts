// Calls to a server behind an address that go wrong: what the client sees, and that nothing is sent twice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { waitForTool } from '../clients/views.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { startHttpServer, type HttpServer } from '../hosts/http-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

/** A faulty server behind the app, and a client of it. */
interface Lab {
  readonly server: HttpServer
  readonly app: Headless
  readonly client: RawClient
}

const quick = { restart: { delayMs: 50, jitter: false }, timeouts: { requestSeconds: 20 } }

async function openLab(
  options: JsonObject = {},
  entry: JsonObject = {},
  config: JsonObject = {},
): Promise<Lab> {
  const server = await startHttpServer('http-faulty.ts', options)
  const servers = { web: { url: server.url, ...quick, ...entry } }
  const app = await startHeadless({ config: { servers, ...config } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'web__echo')
  return { server, app, client }
}

async function closeLab({ app, server }: Lab): Promise<void> {
  await app.dispose()
  await server.stop()
}

let keys = 0

/** Calls echo with a fault; gives the answer and how often the call was sent. */
async function callWith({ client, server }: Lab, fault: string, args: JsonObject = {}) {
  const key = `key-${++keys}`
  const answer = await client.request('tools/call', {
    name: 'web__echo',
    arguments: { text: 'there', fault, key, ...args },
  })
  const record = await server.readRecord()
  return { answer, sent: record.filter(({ body }) => body.includes(`"${key}"`)).length }
}

/** What the client is told of each fault: the code of ours and words of the sentence. */
const failures: readonly [fault: string, code: string, words: RegExp, args?: JsonObject][] = [
  ['cut', 'call-failed', /the connection was cut .+ may or may not have taken effect/],
  ['401', 'call-refused', /it wants a sign-in or another key \(HTTP 401\)\. The call has had no effect/],
  ['403', 'call-refused', /it forbids this \(HTTP 403\)/],
  ['405', 'call-refused', /\(HTTP 405\)/],
  ['406', 'call-refused', /\(HTTP 406\)/],
  ['429', 'call-refused', /too many requests \(HTTP 429\); it asks to be left alone for 7 s/, { seconds: 7 }],
  ['429', 'call-refused', /\(HTTP 429\); it asks to be left alone for \d s/, { seconds: 7, date: true }],
  ['500', 'call-failed', /something went wrong in it \(HTTP 500\)/],
  ['503', 'call-failed', /it cannot take requests now \(HTTP 503\)/],
  ['html', 'call-failed', /with text\/html in place of JSON .+ is this the address of an MCP server\?/],
  ['empty', 'call-failed', /with nothing at all \(HTTP 200\)/],
  ['202', 'call-failed', /with nothing at all \(HTTP 202\)/],
  ['204', 'call-failed', /with nothing at all \(HTTP 204\)/],
  ['redirect-301', 'call-refused', /sends us on to \S+\/moved\/mcp \(HTTP 301\)/],
  ['cut-after-work', 'call-failed', /the connection was cut/],
  ['cut-mid-answer', 'call-failed', /the connection was cut/],
  ['cut-mid-event', 'call-failed', /the connection was cut/],
  ['cut-before-event', 'call-failed', /the connection was cut/],
  ['end-without-answer', 'call-failed', /it ended the answer before it was complete/],
  ['end-mid-event', 'call-failed', /it ended the answer before it was complete/],
  ['wrong-type', 'call-failed', /with text\/plain in place of JSON/],
  ['no-type', 'call-failed', /without saying what it is in place of JSON/],
  ['gzip', 'call-failed', /it compressed its answer/],
  ['other-id', 'call-failed', /what it answered is no answer to this/],
  ['broken-json', 'call-failed', /what it answered is no answer to this/],
]

const mended = [
  ...['redirect', 'pieces', 'carriage-returns', 'both-line-ends', 'byte-order-mark', 'comments', 'no-blank'],
  ...['data-lines', 'other-events', 'array', 'twice', 'close-after'],
]

describe('a call over HTTP', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => closeLab(lab))

  it.each(failures)('that meets %s fails with %s and is sent once', async (...[fault, code, words, args]) => {
    const { answer, sent } = await callWith(lab, fault, args)
    expect(answer.error).toMatchObject({ code: -32000, data: { code, server: 'web' } })
    expect(answer.error?.message).toMatch(words)
    expect(answer.error?.message).toContain('“web”')
    expect(sent).toBe(1)
    expect(await lab.client.callText('web__echo', { text: 'still here' })).toBe('still here')
  })

  it.each(mended)('whose answer is odd (%s) is answered all the same', async (fault) => {
    const { answer, sent } = await callWith(lab, fault, fault === 'redirect' ? { times: 1 } : {})
    expect(answer.text).toBe('there')
    expect(sent).toBe(fault === 'redirect' ? 2 : 1)
  })

  it('is sent on six times at most', async () => {
    const { answer, sent } = await callWith(lab, 'redirect-loop')
    expect(answer.error?.message).toMatch(/sends us on and on \(5 redirects\)/)
    expect(sent).toBe(6)
  })

  it('is not sent on to another address, to which it would give headers away', async () => {
    await using other = await startHttpServer('http-echo.ts')
    const { answer, sent } = await callWith(lab, 'redirect-away', { to: other.url })
    expect(answer.error?.data).toMatchObject({ code: 'call-refused' })
    expect(answer.error?.message).toContain(`sends us on to ${other.url}`)
    expect(sent).toBe(1)
    expect(await other.readRecord()).toEqual([])
  })

  it.each([
    ['expired-404', 1, 'there', 2],
    ['expired-400', 1, 'there', 2],
    ['expired-404', 2, undefined, 2],
  ])('for which the session is gone (%s, %i times) is made again in a new one, once', async (...row) => {
    const [fault, times, text, expected] = row
    const before = await countOpenings(lab)
    const { answer, sent } = await callWith(lab, fault, { times })
    expect(sent).toBe(expected)
    expect((await countOpenings(lab)) - before).toBe(times)
    if (text === undefined) expect(answer.error?.data).toMatchObject({ code: 'call-refused' })
    else expect(answer.text).toBe(text)
    expect(await lab.client.callText('web__echo', { text: 'on' })).toBe('on')
  })

  it('carries an event of 10 MB', async () => {
    const answer = await lab.client.request('tools/call', { name: 'web__blob', arguments: { bytes: 1e7 } })
    expect(answer.text.length).toBe(1e7)
  })
})

async function countOpenings({ server }: Lab): Promise<number> {
  const record = await server.readRecord()
  return record.filter(({ rpcMethod }) => rpcMethod === 'initialize').length
}

describe('a call over HTTP to which nothing ever comes', () => {
  it.each(['never', 'never-body'])('(%s) is timed out, taken back, and not sent again', async (fault) => {
    const lab = await openLab({}, { timeouts: { requestSeconds: 1 } })
    try {
      const { answer, sent } = await callWith(lab, fault)
      expect(answer.error).toMatchObject({ data: { code: 'timed-out' } })
      expect(sent).toBe(1)
      expect(await lab.client.callText('web__echo', { text: 'on' })).toBe('on')
      const record = await lab.server.readRecord()
      expect(record.filter(({ rpcMethod }) => rpcMethod === 'notifications/cancelled')).toHaveLength(1)
    } finally {
      await closeLab(lab)
    }
  })
})

describe('a call whose answer is beyond limits.messageBytes', () => {
  it.each(['stream', 'json'])('fails alone, as %s', async (answers) => {
    const lab = await openLab({ answers }, {}, { limits: { messageBytes: 100_000 } })
    try {
      const { client } = lab
      const [big, small] = await Promise.all([
        client.request('tools/call', { name: 'web__blob', arguments: { bytes: 200_000 } }),
        client.request('tools/call', { name: 'web__blob', arguments: { bytes: 50_000 } }),
      ])
      expect(big.error?.message).toContain('limits.messageBytes')
      expect(small.text).toHaveLength(50_000)
    } finally {
      await closeLab(lab)
    }
  })
})

describe('a server behind an address that is started anew', () => {
  it('is found again, in a new session, and its lists and subscriptions hold', async () => {
    const lab = await openLab()
    try {
      const { client, server } = lab
      await client.result('resources/subscribe', { uri: 'echo://static/1' }).catch(() => undefined)
      await server.stop()
      const down = await client.request('tools/call', { name: 'web__echo', arguments: { text: 'x' } })
      expect(down.error?.message).toMatch(/nothing listens at its address|the connection was cut/)
      await using again = await startHttpServer('http-faulty.ts', { port: server.port })
      await expect
        .poll(
          async () => {
            const answer = await client.request('tools/call', {
              name: 'web__echo',
              arguments: { text: 'back' },
            })
            return answer.error?.message ?? answer.text
          },
          { timeout: 20_000, interval: 100 },
        )
        .toBe('back')
      expect(again.url).toBe(server.url)
    } finally {
      await closeLab(lab)
    }
  })
})

describe('a proxy on the way', () => {
  it('that holds answers back until they are whole delays them, and breaks nothing', async () => {
    await using server = await startHttpServer('http-echo.ts')
    await using proxy = await startHttpServer('buffering-proxy.ts', { target: server.origin })
    await using app = await startHeadless({ config: { servers: { web: { url: `${proxy.origin}/mcp` } } } })
    const client = await app.openSocket()
    await client.initialize()
    await waitForTool(client, 'web__echo')
    const params = { name: 'web__progress', arguments: { n: 3 }, _meta: { progressToken: 'p' } }
    expect((await client.request('tools/call', params)).text).toBe('sent 3')
    expect(client.notifications('notifications/progress')).toHaveLength(3)
    expect(await client.callText('web__blob', { bytes: 1_000_000 })).toHaveLength(1_000_000)
  })

  it('that cuts silent connections is survived: streams are opened again, and no call is sent twice', async () => {
    await using server = await startHttpServer('http-echo.ts', { eventIds: true, retryMs: 20 })
    const options = { target: server.origin, mode: 'idle', idleMs: 200 }
    await using proxy = await startHttpServer('buffering-proxy.ts', options)
    await using app = await startHeadless({ config: { servers: { web: { url: `${proxy.origin}/mcp` } } } })
    const client = await app.openSocket()
    await client.initialize()
    await waitForTool(client, 'web__echo')
    const countStreams = async (): Promise<number> =>
      (await server.readRecord()).filter(({ method }) => method === 'GET').length
    await expect.poll(countStreams, { timeout: 20_000 }).toBeGreaterThan(2)
    const slow = await client.request('tools/call', { name: 'web__sleep', arguments: { ms: 1500 } })
    expect(slow.error).toBeUndefined()
    const calls = (await server.readRecord()).filter(({ rpcMethod }) => rpcMethod === 'tools/call')
    expect(calls).toHaveLength(1)
  })
})
