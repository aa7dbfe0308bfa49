// Log levels per client, and who gets log messages.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readError, settle, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const shared = { isolation: 'shared' }

async function start(
  servers: JsonObject = { echo: toServerEntry('echo.ts', {}, shared) },
): Promise<Headless> {
  app = await startHeadless({ config: { servers } })
  return app
}

async function openClient(host: Headless, level?: string): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize()
  await waitForTool(client, 'echo__log')
  if (level !== undefined) await client.result('logging/setLevel', { level })
  return client
}

async function readLevel(client: RawClient): Promise<unknown> {
  return (JSON.parse(await client.callText('echo__level')) as { level: unknown }).level
}

/** Texts of the log messages that a client has had; a call marks the end of what the server had to say. */
async function readLogged(client: RawClient): Promise<unknown[]> {
  await client.callText('echo__count')
  await settle(client)
  return client.notifications('notifications/message').map((one) => one.get('params', 'data'))
}

/** Keeps a call of the client in flight while something is done. */
async function whileCalling(client: RawClient, run: () => Promise<void>): Promise<void> {
  const call = client.callText('echo__sleep', { ms: 700, value: 'done' })
  await run()
  expect(await call).toBe('done')
}

describe('log levels per client', () => {
  it('the server gets the most verbose one, each client what it asked for', async () => {
    const host = await start()
    const [quiet, chatty] = [await openClient(host, 'error'), await openClient(host, 'debug')]
    expect(await readLevel(quiet)).toBe('debug')
    await whileCalling(quiet, async () => {
      for (const level of ['debug', 'info', 'warning', 'error', 'emergency'])
        await chatty.callText('echo__log', { level, text: level })
    })
    expect(await readLogged(quiet)).toEqual(['error', 'emergency'])
    expect(await readLogged(chatty)).toEqual(['debug', 'info', 'warning', 'error', 'emergency'])
  })

  it('change with each setLevel, and when a client goes', async () => {
    const host = await start()
    const [one, two] = [await openClient(host, 'warning'), await openClient(host, 'notice')]
    await eventually(() => readLevel(one)).toBe('notice')
    await two.result('logging/setLevel', { level: 'alert' })
    await eventually(() => readLevel(one)).toBe('warning')
    await two.result('logging/setLevel', { level: 'debug' })
    await eventually(() => readLevel(one)).toBe('debug')
    await two.close()
    await eventually(() => readLevel(one)).toBe('warning')
  })

  it('a level that there is not is refused', async () => {
    const client = await openClient(await start())
    const { code } = await readError(client, 'logging/setLevel', { level: 'loud' })
    expect(code).toBe(-32602)
  })

  it('a server without logging is not bothered, and the client not refused', async () => {
    const servers = { echo: toServerEntry('echo.ts', { without: ['logging'] }, shared) }
    const client = await openClient(await start(servers), 'debug')
    expect(await readLevel(client)).toBe(null)
  })

  it('a server that starts again is told anew', async () => {
    const restart = { delayMs: 50, jitter: false }
    const servers = { echo: toServerEntry('echo.ts', {}, { ...shared, restart }) }
    const client = await openClient(await start(servers), 'notice')
    await client.request('tools/call', { name: 'echo__crash' })
    const read = async (): Promise<unknown> => readLevel(client).catch(() => 'down')
    await eventually(read).toBe('notice')
  })
})

describe('log messages of a shared server', () => {
  it('go to the sessions that have a call in flight on it', async () => {
    const host = await start()
    const [caller, idle] = [await openClient(host, 'debug'), await openClient(host, 'debug')]
    await caller.callText('echo__log', { level: 'info', text: 'for the caller' })
    expect(await readLogged(caller)).toEqual(['for the caller'])
    expect(await readLogged(idle)).toEqual([])
    await whileCalling(idle, async () => {
      await caller.callText('echo__log', { level: 'info', text: 'for both' })
    })
    expect(await readLogged(caller)).toEqual(['for the caller', 'for both'])
    expect(await readLogged(idle)).toEqual(['for both'])
  })

  it('a call on another server does not count', async () => {
    const servers = {
      echo: toServerEntry('echo.ts', {}, shared),
      other: toServerEntry('echo.ts', {}, shared),
    }
    const host = await start(servers)
    const [caller, elsewhere] = [await openClient(host, 'debug'), await openClient(host, 'debug')]
    await waitForTool(elsewhere, 'other__sleep')
    const call = elsewhere.callText('other__sleep', { ms: 500, value: 'done' })
    await caller.callText('echo__log', { level: 'info', text: 'x' })
    await call
    expect(await readLogged(elsewhere)).toEqual([])
  })

  it('arrive as they were sent', async () => {
    const client = await openClient(await start(), 'debug')
    await client.callText('echo__log', { level: 'info', text: { deep: [1, 'ä'] } })
    const message = await client.waitForNotification('notifications/message')
    expect(message.get('params')).toEqual({ level: 'info', logger: 'echo', data: { deep: [1, 'ä'] } })
  })
})
