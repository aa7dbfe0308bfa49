// Servers in trouble next to a good one.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, readNames, time, waitForChange, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import { findDescendants } from '../hosts/processes.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const good = toServerEntry('echo.ts', { prompts: [{ name: 'p', arguments: [] }] })
const missing = '/nowhere/no-such-command'

async function openBeside(server: JsonObject): Promise<RawClient> {
  app = await startHeadless({ config: { servers: { bad: server, good } } })
  const client = app.openShim()
  await client.initialize()
  await waitForTool(client, 'good__echo')
  return client
}

async function expectGoodIsQuick(client: RawClient): Promise<void> {
  for (const list of ['tools', 'prompts', 'resources'] as const) {
    const { value, took } = await time(() => readNames(client, list))
    expect(took).toBeLessThan(100)
    if (list !== 'resources') expect(value.filter((name) => name.startsWith('good__'))).not.toEqual([])
  }
  const { value, took } = await time(() => client.callText('good__echo', { text: 'hello' }))
  expect(value).toBe('hello')
  expect(took).toBeLessThan(100)
}

describe("the others' lists within 100 ms, errors within 1 s that name server and state, list_changed when it comes back", () => {
  it('a server that dies mid-call', async () => {
    using moody = new MoodyServer('echo.ts')
    const restart = { delayMs: 200, jitter: false }
    const client = await openBeside(moody.toEntry({ restart }))
    await waitForTool(client, 'bad__crash')
    const inFlight = [1, 2, 3].map(() => readCallError(client, 'bad__sleep', { ms: 30_000, value: '' }))
    await client.callText('bad__count')
    const after = client.mark()
    const { value: errors, took } = await time(() =>
      Promise.all([...inFlight, readCallError(client, 'bad__crash', { code: 7 })]),
    )
    expect(took).toBeLessThan(1000)
    for (const { message, data } of errors) {
      expect(message).toMatch(/“bad”.*back-off/)
      expect(data).toMatchObject({ server: 'bad', state: 'back-off' })
    }
    await expectGoodIsQuick(client)
    await waitForChange(client, 'tools', { after })
    expect(await client.callText('bad__count')).toBe('1')
    expect(moody.starts).toBe(2)
  })

  it('a server that is killed from outside mid-call', async () => {
    const client = await openBeside(toServerEntry('echo.ts', {}, { restart: { delayMs: 200 } }))
    await waitForTool(client, 'bad__pid')
    const pid = Number(await client.callText('bad__pid'))
    const call = readCallError(client, 'bad__sleep', { ms: 30_000, value: '' })
    await client.callText('bad__count')
    process.kill(pid, 'SIGKILL')
    const { value, took } = await time(() => call)
    expect(took).toBeLessThan(1000)
    expect(value.message).toMatch(/“bad”/)
    await expectGoodIsQuick(client)
  })

  it('a server that hangs at start', async () => {
    using moody = new MoodyServer('echo.ts')
    moody.setMood('hang')
    const client = await openBeside(
      moody.toEntry({ timeouts: { connectSeconds: 2 }, restart: { delayMs: 1000, jitter: false } }),
    )
    await expectGoodIsQuick(client)
    // While it starts, calls wait; as soon as that is over they fail, and so does each later one, at once.
    const waited = await readCallError(client, 'bad__echo')
    expect(waited.data).toMatchObject({ server: 'bad', state: 'back-off' })
    const { value, took } = await time(() => readCallError(client, 'bad__echo'))
    expect(took).toBeLessThan(1000)
    expect(value.message).toMatch(/“bad”.*back-off/)
    await expectGoodIsQuick(client)
    const after = client.mark()
    moody.setMood('well')
    await waitForChange(client, 'tools', { after })
    expect(await client.callText('bad__echo', { text: 'back' })).toBe('back')
    // The one that hung is gone: the good server and the one that works are left.
    await eventually(() => findDescendants(app!.pid)).toHaveLength(2)
  })

  it('a server whose command does not exist', async () => {
    const client = await openBeside({ command: missing, restart: { delayMs: 500, max: 1, jitter: false } })
    const { value, took } = await time(() => readCallError(client, 'bad__echo'))
    expect(took).toBeLessThan(1000)
    expect(value.message).toContain('“bad”')
    expect(value.message).toContain(missing)
    expect(value.data).toMatchObject({ server: 'bad' })
    await expectGoodIsQuick(client)
    const readState = async (): Promise<unknown> => (await readCallError(client, 'bad__echo')).data
    await eventually(readState).toMatchObject({ server: 'bad', state: 'crash-loop' })
    await expectGoodIsQuick(client)
  })

  it('a server whose folder does not exist', async () => {
    const client = await openBeside({ ...toServerEntry('echo.ts'), cwd: '/nowhere/at-all' })
    const { value, took } = await time(() => readCallError(client, 'bad__echo'))
    expect(took).toBeLessThan(1000)
    expect(value.message).toContain('“bad”')
    expect(value.message).toContain('/nowhere/at-all')
    await expectGoodIsQuick(client)
  })

  it('a server that writes other things than messages to stdout', async () => {
    const noisy = `console.log('Server is starting…'); console.log('{"broken'); console.log('[]'); console.log('')`
    const { args } = toServerEntry('echo.ts') as { args: string[] }
    const script = `${noisy}; await import(${JSON.stringify(args[0])})`
    const client = await openBeside({
      command: process.execPath,
      args: ['--input-type=module', '-e', script],
    })
    await waitForTool(client, 'bad__echo')
    expect(await client.callText('bad__echo', { text: 'hello' })).toBe('hello')
    await expectGoodIsQuick(client)
  })

  it('all of them at once', async () => {
    using moody = new MoodyServer('echo.ts')
    moody.setMood('fail')
    const servers = {
      dying: moody.toEntry(),
      hanging: toServerEntry('echo.ts', { hangAtStart: true }),
      missing: { command: missing },
      good,
    }
    app = await startHeadless({ config: { servers } })
    const client = app.openShim()
    await client.initialize()
    await waitForTool(client, 'good__echo')
    await expectGoodIsQuick(client)
    for (const name of ['dying', 'missing']) {
      const { value, took } = await time(() => readCallError(client, `${name}__x`))
      expect(took).toBeLessThan(1000)
      expect(value.data).toMatchObject({ server: name, state: 'back-off' })
    }
    // Nobody is kept from stopping by what hangs: dispose fails after 10 s.
  })
})
