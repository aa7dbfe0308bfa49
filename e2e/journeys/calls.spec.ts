// Cancellation, progress, time-outs, late answers and errors, both ways.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noReply, type RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, time, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless

const shared = { isolation: 'shared' }
const oneSecond = { requestSeconds: 1 }

beforeAll(async () => {
  const servers = {
    echo: toServerEntry('echo.ts', {}, shared),
    hasty: toServerEntry('echo.ts', {}, { ...shared, timeouts: oneSecond }),
    strict: toServerEntry('echo.ts', {}, { ...shared, timeouts: { ...oneSecond, resetOnProgress: false } }),
    late: toServerEntry('late.ts', {}, { ...shared, timeouts: oneSecond }),
    asker: toServerEntry('asker.ts', {}, { isolation: 'session' }),
    hastyasker: toServerEntry('asker.ts', {}, { isolation: 'session', timeouts: oneSecond }),
  }
  app = await startHeadless({ config: { servers } })
})

afterAll(() => app.dispose())

async function openClient(capabilities: JsonObject = {}, server?: string): Promise<RawClient> {
  const client = app.openShim(server === undefined ? {} : { server })
  await client.initialize(capabilities)
  return client
}

interface Cancelled {
  readonly known: boolean
  readonly reason: unknown
}

async function readCancelled(client: RawClient, server: string): Promise<Cancelled[]> {
  return JSON.parse(await client.callText(`${server}__cancelled-report`)) as Cancelled[]
}

function sleep(ms: number, more: JsonObject = {}, meta: JsonObject = {}): JsonObject {
  return {
    arguments: { ms, value: 'slept', ...more },
    ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}),
  }
}

describe('many calls at once', () => {
  it('one client, several servers: each is answered as soon as it is done', async () => {
    const client = await openClient()
    // Servers that are still starting would answer later.
    for (const server of ['echo', 'hasty', 'strict']) await client.callText(`${server}__count`)
    const order: string[] = []
    const call = async (server: string, ms: number): Promise<void> => {
      await client.result('tools/call', { name: `${server}__sleep`, ...sleep(ms) })
      order.push(`${server} ${ms}`)
    }
    await Promise.all([call('echo', 600), call('hasty', 400), call('strict', 200), call('echo', 0)])
    expect(order).toEqual(['echo 0', 'strict 200', 'hasty 400', 'echo 600'])
  })
})

describe('cancellation', () => {
  it('reaches the server with its reason, and the call is not answered', async () => {
    const client = await openClient()
    const before = (await readCancelled(client, 'echo')).length
    client.sendRaw(
      '{"jsonrpc":"2.0","id":"c 1","method":"tools/call","params":{"name":"echo__sleep","arguments":{"ms":400,"value":"slept"}}}',
    )
    await client.callText('echo__count')
    client.notify('notifications/cancelled', { requestId: 'c 1', reason: 'no longer wanted', extra: 1 })
    await eventually(async () => (await readCancelled(client, 'echo')).length).toBe(before + 1)
    expect((await readCancelled(client, 'echo')).at(-1)).toMatchObject({
      known: true,
      reason: 'no longer wanted',
    })
    // Longer than the call would have taken.
    await client.callText('echo__sleep', { ms: 500, value: '' })
    expect(client.received.filter((one) => one.idKey === 'text c 1')).toEqual([])
  })

  it('of what is not in flight reaches nobody', async () => {
    const client = await openClient()
    const before = (await readCancelled(client, 'echo')).length
    await client.callText('echo__echo', { text: 'x' }, { id: 900 })
    for (const requestId of [900, 901, 'x', null]) client.notify('notifications/cancelled', { requestId })
    client.notify('notifications/cancelled')
    expect(await readCancelled(client, 'echo')).toHaveLength(before)
  })
})

describe('progress', () => {
  it('comes with the token as the client wrote it, before the answer', async () => {
    const client = await openClient()
    for (const token of ['a text', 7, '7', 12345678901]) {
      const after = client.mark()
      const params = { name: 'echo__sleep', ...sleep(60, { steps: 3 }, { progressToken: token, 'x/y': 1 }) }
      await client.result('tools/call', params)
      const [...told] = client.received.slice(after)
      expect(told.map((one) => one.get('params', 'progressToken'))).toEqual([token, token, token, undefined])
    }
  })

  it('is not told to who did not ask for it', async () => {
    const client = await openClient()
    await client.result('tools/call', { name: 'echo__sleep', ...sleep(60, { steps: 3 }) })
    expect(client.notifications('notifications/progress')).toEqual([])
  })
})

describe('time-outs', () => {
  it('end a call with an error that names server and limit, and cancel it at the server', async () => {
    const client = await openClient()
    const before = (await readCancelled(client, 'hasty')).length
    const { value, took } = await time(() =>
      readCallError(client, 'hasty__sleep', { ms: 20_000, value: 'x' }),
    )
    expect(value.message).toMatch(/“hasty”.*within 1 s/)
    expect(took).toBeGreaterThan(900)
    expect(took).toBeLessThan(2500)
    await eventually(async () => (await readCancelled(client, 'hasty')).length).toBe(before + 1)
    expect((await readCancelled(client, 'hasty')).at(-1)?.known).toBe(true)
  })

  it('are reset by progress', async () => {
    const client = await openClient()
    const params = { name: 'hasty__sleep', ...sleep(2500, { steps: 6 }, { progressToken: 1 }) }
    expect((await client.request('tools/call', params)).text).toBe('slept')
  })

  it('are not reset by progress where resetOnProgress is off', async () => {
    const client = await openClient()
    const params = { name: 'strict__sleep', ...sleep(2500, { steps: 6 }, { progressToken: 1 }) }
    const { value, took } = await time(() => client.request('tools/call', params))
    expect(value.error?.message).toContain('“strict”')
    expect(took).toBeLessThan(2000)
  })

  it('do not run while the client is asked something', async () => {
    const client = await openClient({ sampling: {} })
    client.onQuestion('sampling/createMessage', async () => {
      await client.callText('echo__sleep', { ms: 700, value: '' })
      return { answeredBy: 'slow client' }
    })
    // Together longer than the call may take.
    const text = await client.callText('hastyasker__ask-sampling', { tag: 'x', delayMs: 700 })
    expect(text).toContain('slow client')
  })
})

describe('late answers are dropped', () => {
  it.each([undefined, 'late'])(
    "a server's, after cancellation, time-out or answer (server: %s)",
    async (server) => {
      const client = await openClient({}, server)
      const name = server === undefined ? 'late__late' : 'late'
      if (server === undefined) await waitForTool(client, name)
      const late = (ms: number, value: string): JsonObject => ({
        name,
        arguments: { ms, value },
        _meta: { progressToken: value },
      })
      const after = client.mark()
      const timedOut = await client.request('tools/call', late(1300, 'timed out'))
      expect(timedOut.error?.message).toMatch(/within 1 s/)
      client.sendRaw(
        JSON.stringify({ jsonrpc: '2.0', id: 'gone', method: 'tools/call', params: late(300, 'cancelled') }),
      )
      client.notify('notifications/cancelled', { requestId: 'gone' })
      expect((await client.request('tools/call', late(500, 'answered'))).text).toBe('answered')
      const sleepName = name.replace(/late$/, 'sleep')
      await client.callText(sleepName, { ms: 200, value: '' })
      const text = client.received.map((one) => one.line.toString()).join('\n')
      expect(text).not.toContain('stray')
      expect(text).not.toContain('"gone"')
      expect(client.received.slice(after).filter((one) => one.idKey !== undefined)).toHaveLength(3)
    },
  )

  it("a client's, after the server took its question back", async () => {
    const client = await openClient({ sampling: {} })
    client.onQuestion('sampling/createMessage', () => noReply)
    const report = client.callText('asker__ask-then-cancel', { tag: 'x', ms: 100, graceMs: 600 })
    const question = await client.waitFor((one) => one.method === 'sampling/createMessage')
    await client.waitForNotification('notifications/cancelled')
    for (const id of [question.id!.toString(), '424242', '"nobody asked"'])
      client.sendRaw(`{"jsonrpc":"2.0","id":${id},"result":{"late":true}}`)
    expect(JSON.parse(await report)).toMatchObject({ answer: null })
  })

  it("a client's second answer to the same question", async () => {
    const client = await openClient({ sampling: {} })
    client.onQuestion('sampling/createMessage', (question) => {
      const answer = `{"jsonrpc":"2.0","id":${question.id!.toString()},"result":{"n":`
      client.sendRaw(`${answer}1}}`)
      client.sendRaw(`${answer}2}}`)
      return noReply
    })
    expect(await client.callText('asker__ask-sampling', { tag: 'x' })).toContain('"n":1')
    expect(await client.callText('asker__ask-sampling', { tag: 'x' })).toContain('"n":1')
  })
})

describe('errors arrive with code, message and data as they came', () => {
  it.each([undefined, 'late'])('server: %s', async (server) => {
    const client = await openClient({}, server)
    const name = server === undefined ? 'late__fail' : 'fail'
    const errors = [
      { code: -32042, message: 'Mine “alone”', data: { a: [1, { b: null }], code: 'x' } },
      { code: 7, message: '', data: null },
      { code: -32602, message: 'no data' },
    ]
    for (const error of errors) expect(await readCallError(client, name, error)).toEqual(error)
  })
})
