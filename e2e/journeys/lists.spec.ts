// What a client of the whole sees: capabilities and lists.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually, readCallError, readNames, time, waitForChange, waitForTool } from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function start(servers: JsonObject): Promise<Headless> {
  app = await startHeadless({ config: { servers } })
  return app
}

async function openClient(host: Headless): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize()
  return client
}

const prompts = ['one', 'two', 'three'].map((name) => ({ name, arguments: ['x'] }))
const resources = ['a', 'b', 'c'].map((name) => ({ uri: `first://${name}`, text: name }))

describe('lists hold the things of every server that is enabled', () => {
  it('merged in the order of the configuration, pagination followed', async () => {
    const first = { pageSize: 2, extraTools: 5, prompts, resources, templates: ['first://{x}'] }
    const second = {
      prompts: [{ name: 'four', arguments: [] }],
      resources: [{ uri: 'second://d', text: 'd' }],
      templates: ['second://{x}'],
    }
    const host = await start({
      zebra: toServerEntry('echo.ts', first),
      aardvark: toServerEntry('echo.ts', second),
    })
    const client = await openClient(host)
    await waitForTool(client, 'zebra__echo')
    await waitForTool(client, 'aardvark__echo')
    const tools = await readNames(client, 'tools')
    expect(tools.filter((name) => name.includes('extra'))).toEqual(
      [1, 2, 3, 4, 5].map((number) => `zebra__extra-${number}`),
    )
    const servers = tools.map((name) => name.split('__')[0])
    expect(servers).toEqual(servers.toSorted().reverse())
    expect(new Set(tools).size).toBe(tools.length)
    expect(await readNames(client, 'prompts')).toEqual([
      'zebra__one',
      'zebra__two',
      'zebra__three',
      'aardvark__four',
    ])
    expect(await readNames(client, 'resources')).toEqual([
      'first://a',
      'first://b',
      'first://c',
      'second://d',
    ])
    expect(await readNames(client, 'resourceTemplates')).toEqual(['first://{x}', 'second://{x}'])
    expect(await client.result('tools/list')).not.toHaveProperty('nextCursor')
  })

  it('and nothing of one that is switched off', async () => {
    const host = await start({
      on: toServerEntry('echo.ts'),
      off: toServerEntry('echo.ts', {}, { enabled: false }),
    })
    const client = await openClient(host)
    await waitForTool(client, 'on__echo')
    expect((await readNames(client, 'tools')).filter((name) => name.startsWith('off'))).toEqual([])
    const { message } = await readCallError(client, 'off__echo', { text: 'x' })
    expect(message).toContain('off')
    expect(message).toMatch(/switched off/)
  })

  it('a server without resources, prompts, logging and completions is no trouble', async () => {
    const without = ['resources', 'prompts', 'logging', 'completions']
    const host = await start({ plain: toServerEntry('echo.ts', { without }) })
    const client = await openClient(host)
    await waitForTool(client, 'plain__echo')
    expect(await readNames(client, 'resources')).toEqual([])
    expect(await readNames(client, 'prompts')).toEqual([])
    expect(await readNames(client, 'resourceTemplates')).toEqual([])
  })
})

describe('advertised, whatever the servers have', () => {
  const expected = {
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    prompts: { listChanged: true },
    logging: {},
    completions: {},
  }
  const without = ['resources', 'prompts', 'logging', 'completions']

  it.each([
    { what: 'no server', servers: {} },
    { what: 'a server with tools alone', servers: { plain: toServerEntry('echo.ts', { without }) } },
  ])('$what', async ({ servers }) => {
    const client = (await start(servers)).openShim()
    const answer = await client.initialize()
    expect(answer.get('result', 'capabilities')).toEqual(expected)
    expect(answer.get('result', 'serverInfo', 'name')).toBe('patchbay')
  })

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('in revision %s', async (version) => {
    const client = (await start({})).openShim()
    const answer = await client.initialize({}, version)
    expect(answer.get('result', 'protocolVersion')).toBe(version)
  })

  it('in the newest legacy revision when the one asked for is unknown', async () => {
    const client = (await start({})).openShim()
    const answer = await client.initialize({}, '1999-01-01')
    expect(answer.get('result', 'protocolVersion')).toBe('2025-11-25')
  })
})

describe('list_changed follows when lists change', () => {
  it.each([
    ['tools', 'add-tool', { name: 'new' }, 'echo__new'],
    ['tools', 'remove-tool', { name: 'echo' }, undefined],
    ['prompts', 'add-prompt', { name: 'new' }, 'echo__new'],
    ['resources', 'add-resource', { uri: 'new://one' }, 'new://one'],
  ] as const)('%s, by %s, to every client, and for no other list', async (list, tool, args, added) => {
    const host = await start({ echo: toServerEntry('echo.ts', {}, { isolation: 'shared' }) })
    const clients = await Promise.all([openClient(host), openClient(host)])
    for (const client of clients) await waitForTool(client, 'echo__echo')
    const marks = clients.map((client) => client.mark())
    await clients[0].callText(`echo__${tool}`, args)
    for (const [index, client] of clients.entries()) {
      await waitForChange(client, list, { after: marks[index]! })
      const names = await readNames(client, list)
      if (added === undefined) expect(names).not.toContain('echo__echo')
      else expect(names).toContain(added)
      const changes = client.received
        .slice(marks[index])
        .filter((one) => one.method?.endsWith('list_changed'))
      expect(changes.map((one) => one.method)).toEqual([`notifications/${list}/list_changed`])
    }
  })
})

describe('at once after a start, from what was last known', () => {
  it('while every server hangs; calls wait; then everything works', async () => {
    using moody = new MoodyServer('echo.ts', { prompts, resources, instructions: 'Be kind.' })
    const entry = moody.toEntry({ timeouts: { connectSeconds: 2 }, restart: { delayMs: 300, jitter: false } })
    const host = await start({ moody: entry })
    const before = await openClient(host)
    await waitForTool(before, 'moody__echo')
    const known = await Promise.all(
      (['tools', 'prompts', 'resources'] as const).map((list) => readNames(before, list)),
    )
    await host.stop()
    moody.setMood('hang')
    await host.start()
    const client = await openClient(host)
    const { value, took } = await time(() =>
      Promise.all((['tools', 'prompts', 'resources'] as const).map((list) => readNames(client, list))),
    )
    expect(value).toEqual(known)
    expect(took).toBeLessThan(100)
    await eventually(() => moody.starts).toBe(2)
    moody.setMood('well')
    const { message } = await readCallError(client, 'moody__echo', { text: 'x' })
    expect(message).toMatch(/moody/)
    await eventually(() => moody.starts).toBe(3)
    expect(await client.callText('moody__echo', { text: 'there' })).toBe('there')
  })

  it('also when the app was killed', async () => {
    const host = await start({ echo: toServerEntry('echo.ts', { startDelayMs: 700 }) })
    await waitForTool(await openClient(host), 'echo__echo')
    const remembered = path.join(host.dataDir, 'cache/lists/echo.json')
    await eventually(() => existsSync(remembered) && readFileSync(remembered, 'utf8')).toContain('add-tool')
    await host.kill()
    await host.start()
    const client = await openClient(host)
    expect(await readNames(client, 'tools')).toContain('echo__echo')
    // The server is still starting: the call waits for it.
    expect(await client.callText('echo__echo', { text: 'waited' })).toBe('waited')
  })

  it('what was known of a server that is started in another way is not shown', async () => {
    const host = await start({ echo: toServerEntry('echo.ts', { extraTools: 1 }) })
    await waitForTool(await openClient(host), 'echo__extra-1')
    await host.stop()
    host.writeConfig({ servers: { echo: toServerEntry('echo.ts', { hangAtStart: true }) } })
    await host.start()
    expect(await readNames(await openClient(host), 'tools')).toEqual([])
  })
})
