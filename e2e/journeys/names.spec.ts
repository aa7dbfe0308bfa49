// Tool names that clients see.
import { afterEach, describe, expect, it } from 'vitest'
import { eventually, readNames, readResource, waitForChange, waitForTool } from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function openWith(servers: JsonObject, gateway: JsonObject = {}): Promise<RawClient> {
  app = await startHeadless({ config: { servers, gateway } })
  return openClient(app)
}

async function openClient(host: Headless, ...awaited: string[]): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize()
  for (const name of awaited) await waitForTool(client, name)
  return client
}

/** Has the server add a tool, and gives the names that are new to the client. */
async function addTool(client: RawClient, adder: string, name: string): Promise<string[]> {
  const before = new Set(await readNames(client, 'tools'))
  const after = client.mark()
  await client.callText(adder, { name })
  await waitForChange(client, 'tools', { after })
  return (await readNames(client, 'tools')).filter((one) => !before.has(one))
}

const shared = { isolation: 'shared' }

describe('server__tool', () => {
  it('is what clients see; a table maps back, never string surgery', async () => {
    const client = await openWith({
      a: toServerEntry('echo.ts', {}, shared),
      'a-b': toServerEntry('echo.ts', {}, shared),
    })
    await waitForTool(client, 'a__echo')
    await waitForTool(client, 'a-b__echo')
    for (const name of ['b__echo', '__echo', 'a__', 'x__', '_', 'echo-']) {
      const [shown] = await addTool(client, 'a__add-tool', name)
      expect(shown).toBe(`a__${name}`)
      expect(await client.callText(shown!, { x: 1 })).toBe(`${name} {"x":1}`)
    }
    const pids = await Promise.all(['a__pid', 'a-b__pid'].map((name) => client.callText(name)))
    expect(new Set(pids).size).toBe(2)
  })

  it('has only characters of [A-Za-z0-9_-]; names that clash by that get a hash and stay apart', async () => {
    const client = await openWith({ odd: toServerEntry('echo.ts') })
    await waitForTool(client, 'odd__echo')
    const names = ['a.b', 'a/b', 'a b', 'größe', '工具', '😀']
    for (const name of names) await addTool(client, 'odd__add-tool', name)
    const shown = (await readNames(client, 'tools')).slice(-names.length)
    expect(shown.filter((name) => !/^odd__[A-Za-z0-9_-]+$/.test(name))).toEqual([])
    expect(new Set(shown).size).toBe(names.length)
    for (const name of shown.slice(0, 3)) expect(name).toMatch(/_[0-9a-f]{7}$/)
    for (const [index, name] of names.entries())
      expect(await client.callText(shown[index]!)).toBe(`${name} {}`)
  })

  it('has at most 50 characters; longer ones are cut and get _ and 7 hex digits', async () => {
    const client = await openWith({ odd: toServerEntry('echo.ts') })
    await waitForTool(client, 'odd__echo')
    const fits = 'f'.repeat(45)
    const long = ['x', 'y'].map((end) => 'l'.repeat(100) + end)
    for (const name of [fits, ...long]) await addTool(client, 'odd__add-tool', name)
    const shown = (await readNames(client, 'tools')).slice(-3)
    expect(shown[0]).toBe(`odd__${fits}`)
    for (const [index, name] of long.entries()) {
      expect(shown[index + 1]).toMatch(/^odd__l{37}_[0-9a-f]{7}$/)
      expect(await client.callText(shown[index + 1]!)).toBe(`${name} {}`)
    }
    expect(shown[1]).not.toBe(shown[2])
  })

  it('follows maxToolNameLength', async () => {
    const client = await openWith({ quite: toServerEntry('echo.ts') }, { maxToolNameLength: 16 })
    await waitForTool(client, 'quite__echo')
    const names = await readNames(client, 'tools')
    expect(names.filter((name) => name.length > 16)).toEqual([])
    const report = names.find((name) => name.startsWith('quite__c') && /_[0-9a-f]{7}$/.test(name))
    expect(await client.callText(report!)).toBe('[]')
  })
})

describe('the same names on every start', () => {
  it('whichever server comes first, tools and prompts, hashed ones too', async () => {
    const prompts = ['a.b', 'a/b', 'p'.repeat(80)].map((name) => ({ name, arguments: [] }))
    // Options by environment: with other arguments it would be another server, of which nothing is known.
    const toServers = (delays: number[]): JsonObject => {
      const { command, args } = toServerEntry('echo.ts')
      const toEntry = (startDelayMs: number): JsonObject => {
        const options = JSON.stringify({ prompts, extraTools: 3, startDelayMs })
        return { command, args: (args as string[]).slice(0, 1), env: { SERVER_OPTIONS: options } }
      }
      return { one: toEntry(delays[0]!), 'the-other-with-a-long-name': toEntry(delays[1]!) }
    }
    const gateway = { maxToolNameLength: 24 }
    const first = await openWith(toServers([0, 500]), gateway)
    await waitForTool(first, 'one__extra-3')
    await eventually(() => readNames(first, 'prompts')).toHaveLength(6)
    const before = { tools: await readNames(first, 'tools'), prompts: await readNames(first, 'prompts') }
    expect(before.prompts.filter((name) => name.length > 24)).toEqual([])
    for (const round of [1, 2]) {
      await app!.stop()
      app!.writeConfig({ servers: toServers([500 * round, 0]), gateway })
      await app!.start()
      const client = await openClient(app!)
      expect(await readNames(client, 'tools')).toEqual(before.tools)
      expect(await readNames(client, 'prompts')).toEqual(before.prompts)
      const texts = await Promise.all(
        before.prompts.map(async (name) => JSON.stringify(await client.result('prompts/get', { name }))),
      )
      for (const [index, text] of texts.entries()) expect(text).toContain(prompts[index % 3]!.name)
    }
  })
})

describe('prompts likewise', () => {
  it('are prefixed, cut, told apart and led back', async () => {
    const client = await openWith({
      one: toServerEntry('echo.ts', { name: 'first', prompts: [{ name: 'greet', arguments: ['who'] }] }),
      two: toServerEntry('echo.ts', { name: 'second', prompts: [{ name: 'greet', arguments: ['who'] }] }),
    })
    await eventually(() => readNames(client, 'prompts')).toEqual(['one__greet', 'two__greet'])
    const result = await client.result('prompts/get', { name: 'two__greet', arguments: { who: 'Ada' } })
    expect(JSON.stringify(result)).toContain(JSON.stringify('second greet {"who":"Ada"}').slice(1, -1))
  })
})

describe('gateway.naming', () => {
  it('mcp__proxy__server__tool puts that in front', async () => {
    const gateway = { naming: 'mcp__proxy__server__tool' }
    const client = await openWith({ echo: toServerEntry('echo.ts') }, gateway)
    await waitForTool(client, 'mcp__proxy__echo__echo')
    expect(await client.callText('mcp__proxy__echo__echo', { text: 'hello' })).toBe('hello')
    const others = (await readNames(client, 'tools')).filter((name) => !name.startsWith('mcp__proxy__echo__'))
    expect(others).toEqual([])
  })

  it('tool leaves names as they are; those that clash get their server in front', async () => {
    const one = toServerEntry('echo.ts', { extraTools: 1 })
    const client = await openWith({ one, two: toServerEntry('asker.ts') }, { naming: 'tool' })
    await waitForTool(client, 'echo')
    await waitForTool(client, 'ask-sampling')
    const names = await readNames(client, 'tools')
    expect(names).toEqual(expect.arrayContaining(['extra-1', 'one__pid', 'two__pid']))
    expect(names).not.toContain('pid')
    expect(await client.callText('echo', { text: 'hello' })).toBe('hello')
    const pids = [await client.callText('one__pid'), await client.callText('two__pid')]
    expect(pids[0]).not.toBe(pids[1])
  })
})

it('names in lists of the whole and of one server lead to the same', async () => {
  const client = await openWith({
    echo: toServerEntry('echo.ts', { resources: [{ uri: 'a://b', text: 't' }] }, shared),
  })
  await waitForTool(client, 'echo__pid')
  const alone = app!.openShim({ server: 'echo' })
  await alone.initialize()
  expect(await alone.callText('pid')).toBe(await client.callText('echo__pid'))
  expect(await readResource(alone, 'a://b')).toEqual(await readResource(client, 'a://b'))
})
