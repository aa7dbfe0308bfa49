// The shim survives a restart of the app.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, readNames, time, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function start(): Promise<Headless> {
  const servers = {
    echo: toServerEntry('echo.ts', { resources: [{ uri: 'note://a', text: 'a' }] }),
    asker: toServerEntry('asker.ts'),
  }
  app = await startHeadless({ config: { servers } })
  return app
}

async function openClient(host: Headless, args: string[] = [], server?: string): Promise<RawClient> {
  const client = host.openShim(server === undefined ? { args } : { args, server })
  await client.initialize({ sampling: {} }, '2025-06-18')
  await waitForTool(client, server === undefined ? 'echo__echo' : 'echo')
  return client
}

/** Waits until the shim has noticed that the app is gone: from then on it holds what it is sent. */
async function waitUntilHeld(client: RawClient): Promise<void> {
  const isAnswered = (): Promise<boolean> =>
    client.request('ping', undefined, { deadline: 300 }).then(
      () => true,
      () => false,
    )
  await eventually(isAnswered).toBe(false)
}

const ends = [
  { signal: 'SIGKILL', end: (host: Headless) => host.kill() },
  { signal: 'SIGTERM', end: (host: Headless) => host.stop() },
] as const

describe.each(ends)('when the app ends by $signal and starts again', ({ end }) => {
  it('a call in flight is answered with an error, lists are said to have changed, later calls work', async () => {
    const host = await start()
    const client = await openClient(host)
    const inFlight = [1, 2].map(() => readCallError(client, 'echo__sleep', { ms: 60_000, value: '' }))
    await client.callText('echo__count')
    const after = client.mark()
    const { value: errors, took } = await time(async () => {
      const ended = end(host)
      const all = await Promise.all(inFlight)
      await ended
      return all
    })
    for (const error of errors) expect(error.message).toMatch(/restarted|stopp|lost/)
    expect(took).toBeLessThan(5000)
    await host.start()
    for (const list of ['tools', 'prompts', 'resources'])
      await client.waitForNotification(`notifications/${list}/list_changed`, { after })
    expect(await client.callText('echo__echo', { text: 'again' })).toBe('again')
    expect(await readNames(client, 'tools')).toContain('echo__echo')
    // Nothing of the replay is shown: every answer is one that the client asked for.
    const ids = client.received.flatMap((one) => (one.method === undefined ? [one.idKey] : []))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every((id) => /^number \d+$/.test(id ?? ''))).toBe(true)
  })

  it('the handshake is replayed: capabilities, subscriptions and log level hold', async () => {
    const host = await start()
    const client = await openClient(host)
    client.onQuestion('sampling/createMessage', () => ({ answeredBy: 'me' }))
    await client.result('resources/subscribe', { uri: 'note://a' })
    await client.result('logging/setLevel', { level: 'error' })
    await end(host)
    await host.start()
    expect(await client.callText('asker__ask-sampling', { tag: 'x' })).toContain('"answeredBy":"me"')
    const read = async (tool: string): Promise<JsonObject> =>
      JSON.parse(await client.callText(tool)) as JsonObject
    await eventually(() => read('echo__subscriptions')).toMatchObject({ live: ['note://a'] })
    await eventually(() => read('echo__level')).toMatchObject({ level: 'error' })
    const after = client.mark()
    await client.callText('echo__touch', { uri: 'note://a' })
    await client.waitForNotification('notifications/resources/updated', { after })
  })

  it('what is sent in between is answered afterwards', async () => {
    const host = await start()
    const client = await openClient(host)
    await end(host)
    await waitUntilHeld(client)
    const texts = ['one', 'two', 'three'].map((text) => client.callText('echo__echo', { text }))
    const list = client.result('tools/list')
    await host.start()
    expect(await Promise.all(texts)).toEqual(['one', 'two', 'three'])
    expect(await list).toHaveProperty('tools')
  })

  it('clients of one server go on too', async () => {
    const host = await start()
    const client = await openClient(host, [], 'echo')
    await end(host)
    await host.start()
    expect(await client.callText('echo', { text: 'again' })).toBe('again')
  })
})

describe('while the app is away', () => {
  it('a question of the server that is open is taken back', async () => {
    const host = await start()
    const client = await openClient(host)
    client.onQuestion('sampling/createMessage', () => new Promise(() => undefined))
    const call = client.request('tools/call', { name: 'asker__ask-sampling', arguments: { tag: 'x' } })
    const question = await client.waitFor((one) => one.method === 'sampling/createMessage')
    await host.kill()
    expect((await call).error?.message).toBeTruthy()
    const cancelled = await client.waitForNotification('notifications/cancelled')
    expect(cancelled.get('params', 'requestId')).toEqual(question.get('id'))
  })

  it('requests that wait longer than --wait are answered with an error; when it is back, all is well', async () => {
    const host = await start()
    const client = await openClient(host, ['--wait', '1'])
    await host.kill()
    const { value, took } = await time(() => readCallError(client, 'echo__echo', { text: 'x' }))
    expect(value.message).toMatch(/Patchbay cannot be reached/)
    expect(took).toBeLessThan(3000)
    await host.start()
    await eventually(async () => (await client.request('tools/call', { name: 'echo__count' })).error, {
      timeout: 10_000,
    }).toBeUndefined()
  })

  it('two clients come back, each as itself', async () => {
    const host = await start()
    const clients = [await openClient(host), await openClient(host)]
    for (const [index, client] of clients.entries())
      client.onQuestion('sampling/createMessage', () => ({ answeredBy: `client ${index}` }))
    await host.kill()
    await host.start()
    for (const [index, client] of clients.entries()) {
      const text = await client.callText('asker__ask-sampling', { tag: 'x' })
      expect(text).toContain(`"answeredBy":"client ${index}"`)
    }
  })
})
