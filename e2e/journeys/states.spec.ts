// Calls to servers that are not ready: who waits, who fails at once, and what the error says.
import { afterEach, describe, expect, it } from 'vitest'
import {
  eventually,
  readCallError,
  readError,
  readNames,
  time,
  waitForChange,
  waitForTool,
} from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function openWith(servers: JsonObject): Promise<RawClient> {
  app = await startHeadless({ config: { servers } })
  return openClient(app)
}

async function openClient(host: Headless): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize()
  return client
}

const neverAgain = { enabled: false }
const later = { delayMs: 600_000, maxDelayMs: 600_000, jitter: false }

describe('a call to a server that is starting waits', () => {
  it('until it is ready, also for a name that was never listed', async () => {
    const client = await openWith({ slow: toServerEntry('echo.ts', { startDelayMs: 1000 }) })
    const texts = ['one', 'two', 'three'].map((text) => client.callText('slow__echo', { text }))
    expect(await readNames(client, 'tools')).toEqual([])
    expect(await Promise.all(texts)).toEqual(['one', 'two', 'three'])
    const { message } = await readCallError(client, 'slow__nonsense')
    expect(message).toContain('nonsense')
  })

  it('up to its connect time-out, then the error names server and state', async () => {
    const entry = { timeouts: { connectSeconds: 1 }, restart: later }
    const client = await openWith({ hung: toServerEntry('echo.ts', { hangAtStart: true }, entry) })
    const { value, took } = await time(() => readCallError(client, 'hung__echo'))
    expect(value.message).toMatch(/“hung”.*back-off/)
    expect(value.data).toMatchObject({ server: 'hung', state: 'back-off' })
    expect(took).toBeGreaterThan(500)
    expect(took).toBeLessThan(2500)
  })

  it('a call that waits can be cancelled and is then never made', async () => {
    const client = await openWith({ slow: toServerEntry('echo.ts', { startDelayMs: 1000 }) })
    const cancelled = client.callText('slow__sleep', { ms: 1, value: 'x' }, { id: 77, deadline: 1500 })
    client.notify('notifications/cancelled', { requestId: 77 })
    await expect(cancelled).rejects.toThrow()
    // The only call that the server has counted is this one.
    expect(await client.callText('slow__count')).toBe('1')
  })
})

describe('a call to a server that is down fails at once, and the error names server and state', () => {
  async function expectRefusal(client: RawClient, server: string, state: string): Promise<void> {
    for (const [method, params] of [
      ['tools/call', { name: `${server}__echo`, arguments: { text: 'x' } }],
      ['prompts/get', { name: `${server}__one` }],
    ] as const) {
      const { value, took } = await time(() => readError(client, method, params))
      expect(value.message).toContain(server)
      expect(value.message).toMatch(new RegExp(state))
      expect(value.data).toMatchObject({ server, state })
      expect(took).toBeLessThan(1000)
    }
  }

  it('in back-off; its lists stay', async () => {
    using moody = new MoodyServer('echo.ts', { resources: [{ uri: 'moody://a', text: 'a' }] })
    const client = await openWith({ moody: moody.toEntry({ restart: later }) })
    await waitForTool(client, 'moody__echo')
    expect((await readCallError(client, 'moody__crash')).message).toContain('moody')
    await expectRefusal(client, 'moody', 'back-off')
    expect(await readNames(client, 'tools')).toContain('moody__echo')
    const read = await readError(client, 'resources/read', { uri: 'moody://a' })
    expect(read.data).toMatchObject({ server: 'moody', state: 'back-off' })
  })

  it('crash-looped; its things leave the lists, with list_changed', async () => {
    using moody = new MoodyServer('echo.ts')
    const restart = { max: 2, delayMs: 50, maxDelayMs: 50, jitter: false }
    const client = await openWith({ moody: moody.toEntry({ restart }), good: toServerEntry('echo.ts') })
    await waitForTool(client, 'moody__echo')
    await waitForTool(client, 'good__echo')
    const after = client.mark()
    moody.setMood('fail')
    await readCallError(client, 'moody__crash')
    await waitForChange(client, 'tools', { after })
    await eventually(() => readNames(client, 'tools')).not.toContain('moody__echo')
    await expectRefusal(client, 'moody', 'crash-loop')
    expect(moody.starts).toBe(3)
    expect(await client.callText('good__echo', { text: 'fine' })).toBe('fine')
  })

  it('stopped for good (restart switched off)', async () => {
    using moody = new MoodyServer('echo.ts')
    const client = await openWith({ moody: moody.toEntry({ restart: neverAgain }) })
    await waitForTool(client, 'moody__echo')
    await readCallError(client, 'moody__crash')
    await expectRefusal(client, 'moody', 'stopped')
    expect(moody.starts).toBe(1)
  })

  it('switched off in the configuration', async () => {
    const client = await openWith({ off: toServerEntry('echo.ts', {}, { enabled: false }) })
    await expectRefusal(client, 'off', 'off')
  })

  it('a command that does not exist', async () => {
    const client = await openWith({ lost: { command: 'no-such-command-of-ours', restart: later } })
    await expectRefusal(client, 'lost', 'back-off')
    expect((await readCallError(client, 'lost__echo')).message).toContain('no-such-command-of-ours')
  })
})

describe('disabled tools', () => {
  const disabled = { tools: { disabled: ['echo', 'pid'] } }

  it.each([undefined, 'echo'])('are absent and answered readably (server: %s)', async (server) => {
    app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts', {}, disabled) } } })
    const client = app.openShim(server === undefined ? {} : { server })
    await client.initialize()
    const prefix = server === undefined ? 'echo__' : ''
    await waitForTool(client, `${prefix}count`)
    const names = await readNames(client, 'tools')
    expect(names).not.toContain(`${prefix}echo`)
    expect(names).not.toContain(`${prefix}pid`)
    const { message } = await readCallError(client, `${prefix}echo`, { text: 'x' })
    expect(message).toMatch(/“echo” of the server “echo” is switched off in Patchbay/)
    expect(await client.callText(`${prefix}count`)).toBe('1')
  })
})
