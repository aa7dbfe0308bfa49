// Subscriptions counted per client.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readError, readNames, settle } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const uri = 'note://a'
const options = {
  resources: [
    { uri, text: 'a' },
    { uri: 'note://b', text: 'b' },
  ],
}
const updated = 'notifications/resources/updated'

async function start(echo: JsonObject): Promise<Headless> {
  app = await startHeadless({ config: { servers: { echo } } })
  return app
}

async function openClient(host: Headless, server?: string): Promise<RawClient> {
  const client = host.openShim(server === undefined ? {} : { server })
  await client.initialize()
  await eventually(() => readNames(client, 'resources')).toHaveLength(2)
  return client
}

interface Report {
  readonly live: string[]
  readonly subscribed: number
  readonly unsubscribed: number
}

async function readReport(client: RawClient): Promise<Report> {
  return JSON.parse(await client.callText('echo__subscriptions')) as Report
}

/** Touches the resource; gives how many updates each client has had since. */
async function touch(toucher: RawClient, ...clients: RawClient[]): Promise<number[]> {
  const marks = clients.map((client) => client.mark())
  await toucher.callText('echo__touch', { uri, force: true })
  await toucher.callText('echo__count')
  for (const client of clients) await settle(client)
  return clients.map(
    (client, index) => client.received.slice(marks[index]).filter((one) => one.method === updated).length,
  )
}

describe('subscriptions are counted per client', () => {
  it('the server hears of the first and of the last; each client gets what it subscribed to', async () => {
    const host = await start(toServerEntry('echo.ts', options, { isolation: 'shared' }))
    const [one, two, three] = [await openClient(host), await openClient(host), await openClient(host)]
    await one.result('resources/subscribe', { uri })
    await two.result('resources/subscribe', { uri })
    // Twice by one client counts once.
    await two.result('resources/subscribe', { uri })
    expect(await readReport(one)).toEqual({ live: [uri], subscribed: 1, unsubscribed: 0 })
    expect(await touch(three, one, two, three)).toEqual([1, 1, 0])
    await two.result('resources/unsubscribe', { uri })
    expect(await readReport(one)).toEqual({ live: [uri], subscribed: 1, unsubscribed: 0 })
    expect(await touch(three, one, two, three)).toEqual([1, 0, 0])
    await one.result('resources/unsubscribe', { uri })
    expect(await readReport(one)).toEqual({ live: [], subscribed: 1, unsubscribed: 1 })
    expect(await touch(three, one, two, three)).toEqual([0, 0, 0])
  })

  it('both at once lead to one request, and both are answered', async () => {
    const host = await start(toServerEntry('echo.ts', options, { isolation: 'shared' }))
    const clients = await Promise.all([openClient(host), openClient(host), openClient(host)])
    await Promise.all(clients.map((client) => client.result('resources/subscribe', { uri })))
    expect(await readReport(clients[0])).toMatchObject({ live: [uri], subscribed: 1 })
    expect(await touch(clients[0], ...clients)).toEqual([1, 1, 1])
  })

  it('a client that goes counts no longer', async () => {
    const host = await start(toServerEntry('echo.ts', options, { isolation: 'shared' }))
    const [one, two] = [await openClient(host), await openClient(host)]
    await one.result('resources/subscribe', { uri })
    await two.result('resources/subscribe', { uri })
    await one.close()
    expect(await touch(two, two)).toEqual([1])
    two.leave()
    const last = await openClient(host)
    await eventually(() => readReport(last)).toMatchObject({ live: [], unsubscribed: 1 })
  })

  it('clients of the whole and of the one server are counted alike', async () => {
    const host = await start(toServerEntry('echo.ts', options, { isolation: 'shared' }))
    const [whole, alone] = [await openClient(host), await openClient(host, 'echo')]
    await alone.result('resources/subscribe', { uri })
    await whole.result('resources/subscribe', { uri })
    expect(await readReport(whole)).toMatchObject({ live: [uri], subscribed: 1 })
    const after = alone.mark()
    expect(await touch(whole, whole)).toEqual([1])
    expect((await alone.waitForNotification(updated, { after })).get('params', 'uri')).toBe(uri)
  })

  it('a server that starts again is told anew', async () => {
    using moody = new MoodyServer('echo.ts', options)
    const restart = { delayMs: 50, jitter: false }
    const host = await start(moody.toEntry({ isolation: 'shared', restart }))
    const client = await openClient(host)
    await client.result('resources/subscribe', { uri })
    await client.request('tools/call', { name: 'echo__crash' })
    const isUp = async (): Promise<boolean> =>
      (await client.request('tools/call', { name: 'echo__count' })).raw('result') !== undefined
    await eventually(isUp).toBe(true)
    await eventually(() => readReport(client)).toMatchObject({ live: [uri] })
    expect(await touch(client, client)).toEqual([1])
  })

  it('those that are refused are answered with the error as it came, and do not count', async () => {
    const host = await start(toServerEntry('echo.ts', { without: ['resources'] }, { isolation: 'shared' }))
    const clients = [host.openShim({ server: 'echo' }), host.openShim({ server: 'echo' })]
    for (const client of clients) await client.initialize()
    for (const round of [1, 2]) {
      const errors = await Promise.all(
        clients.map((one) => readError(one, 'resources/subscribe', { uri, round })),
      )
      const expected = { code: -32601, message: 'No method resources/subscribe.' }
      expect(errors).toEqual([expected, expected])
    }
  })
})
