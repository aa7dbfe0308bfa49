import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runLoad } from '../clients/load.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'

let app: Headless

beforeAll(async () => {
  const echo = toServerEntry('echo.ts', {}, { isolation: 'shared' })
  app = await startHeadless({ config: { servers: { echo } } })
})

afterAll(() => app.dispose())

async function openClient(): Promise<RawClient> {
  const client = app.openShim()
  await client.initialize()
  return client
}

interface Cancelled {
  readonly requestId: string
  readonly known: boolean
  readonly reason: unknown
}

async function readCancelled(client: RawClient): Promise<Cancelled[]> {
  return JSON.parse(await client.callText('echo__cancelled-report')) as Cancelled[]
}

describe('two clients with equal ids and equal progress tokens', () => {
  it('get every one of 2,000 answers right, 64 in flight each', { timeout: 120_000 }, async () => {
    const labels = ['first', 'second']
    const clients = await Promise.all(labels.map(openClient))
    // One process serves both, or equal ids would prove nothing.
    const pids = await Promise.all(clients.map((client) => client.callText('echo__pid')))
    expect(new Set(pids).size).toBe(1)
    const load = { tool: 'echo__sleep', calls: 1000, inFlight: 64, maxMs: 30 }
    const reports = await Promise.all(
      clients.map((client, index) => runLoad(client, { ...load, label: labels[index]! })),
    )
    const right = { answered: 1000, wrong: [], strayProgress: [], progress: 1000 }
    expect(reports).toEqual([right, right])
  })

  it('are told progress with their own token only', async () => {
    const [teller, bystander] = await Promise.all([openClient(), openClient()])
    const token = 'equal'
    const slow = { name: 'echo__sleep', arguments: { ms: 300, value: 'bystander' } }
    const quiet = bystander.request('tools/call', { ...slow, _meta: { progressToken: token } }, { id: 9 })
    const busy = { name: 'echo__progress', arguments: { n: 20 }, _meta: { progressToken: token } }
    expect((await teller.request('tools/call', busy, { id: 9 })).text).toBe('sent 20')
    expect((await quiet).text).toBe('bystander')
    const told = teller.notifications('notifications/progress')
    expect(told.map((message) => message.get('params', 'progress'))).toEqual(
      [...Array(20).keys()].map((step) => step + 1),
    )
    expect(new Set(told.map((message) => message.get('params', 'progressToken')))).toEqual(new Set([token]))
    expect(bystander.notifications('notifications/progress')).toEqual([])
  })

  it("keep their own call when the other cancels the call's twin", async () => {
    const [canceller, twin] = await Promise.all([openClient(), openClient()])
    const before = (await readCancelled(twin)).length
    const call = (client: RawClient): Promise<string> =>
      client.callText('echo__sleep', { ms: 800, value: 'slept' }, { id: 500, deadline: 1500 })
    const cancelled = call(canceller).catch((error: unknown) => String(error))
    const kept = call(twin)
    await delay(200)
    canceller.notify('notifications/cancelled', { requestId: 500, reason: 'changed my mind' })
    expect(await kept).toBe('slept')
    // No answer to a cancelled request, or an error; never the value.
    expect(await cancelled).not.toBe('slept')
    const report = (await readCancelled(twin)).slice(before)
    expect(report).toEqual([
      { requestId: expect.any(String) as string, known: true, reason: 'changed my mind' },
    ])
  })

  it('cannot cancel what is not theirs', async () => {
    const [stranger, owner] = await Promise.all([openClient(), openClient()])
    const before = (await readCancelled(owner)).length
    const kept = owner.callText('echo__sleep', { ms: 400, value: 'slept' }, { id: 700 })
    await delay(100)
    stranger.notify('notifications/cancelled', { requestId: 700 })
    expect(await kept).toBe('slept')
    expect(await readCancelled(owner)).toHaveLength(before)
  })

  it('leave nothing behind when one goes with calls in flight', async () => {
    const [leaver, stayer] = await Promise.all([openClient(), openClient()])
    const before = (await readCancelled(stayer)).length
    for (let id = 1; id <= 10; id++) {
      void leaver.callText('echo__sleep', { ms: 20_000, value: 'late' }, { id, deadline: 500 }).catch(String)
    }
    await delay(200)
    leaver.leave()
    await expect.poll(async () => (await readCancelled(stayer)).length, { timeout: 5000 }).toBe(before + 10)
    expect((await readCancelled(stayer)).every((cancellation) => cancellation.known)).toBe(true)
  })
})
