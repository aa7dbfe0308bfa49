// Resource URIs that clients see.
import { afterEach, describe, expect, it } from 'vitest'
import {
  eventually,
  readError,
  readNames,
  readResource,
  waitForChange,
  waitForTool,
} from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { OddLab } from '../hosts/odd-lab.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function openWith(servers: JsonObject): Promise<RawClient> {
  app = await startHeadless({ config: { servers } })
  const client = app.openShim()
  await client.initialize()
  return client
}

const sharedUri = 'note://shared/page?q=ä#1'
const alias = `patchbay://two/${encodeURIComponent(sharedUri)}`

function toTwoServers(): JsonObject {
  const toEntry = (name: string): JsonObject =>
    toServerEntry(
      'echo.ts',
      {
        name,
        resources: [
          { uri: sharedUri, text: `of ${name}` },
          { uri: `note://${name}`, text: name },
        ],
      },
      { isolation: 'shared' },
    )
  return { one: toEntry('one'), two: toEntry('two') }
}

async function openWithTwo(): Promise<RawClient> {
  const client = await openWith(toTwoServers())
  await eventually(() => readNames(client, 'resources')).toHaveLength(4)
  return client
}

it('resource URIs stay as they are', async () => {
  const uris = [
    'file:///a%20b',
    'x:y',
    'https://example.com/?a=b&c=%2F#d',
    'note://ä/😀',
    'patchbay://other/x',
  ]
  const resources = uris.map((uri) => ({ uri, text: `at ${uri}` }))
  const client = await openWith({ echo: toServerEntry('echo.ts', { resources }) })
  await eventually(() => readNames(client, 'resources')).toEqual(uris)
  for (const uri of uris) expect(await readResource(client, uri)).toMatchObject({ uri, text: `at ${uri}` })
})

describe('the same URI on two servers', () => {
  it('the later one in the configuration gets patchbay://<server>/<percent-encoded uri>', async () => {
    const client = await openWithTwo()
    expect(await readNames(client, 'resources')).toEqual([sharedUri, 'note://one', alias, 'note://two'])
  })

  it('each leads to its owner, and the uri fields in contents are those that were asked for', async () => {
    const client = await openWithTwo()
    expect(await readResource(client, sharedUri)).toMatchObject({ uri: sharedUri, text: 'of one' })
    expect(await readResource(client, alias)).toMatchObject({ uri: alias, text: 'of two' })
    expect(await readResource(client, 'note://two')).toMatchObject({ uri: 'note://two', text: 'two' })
  })

  it('updates name the URI that the client knows', async () => {
    const client = await openWithTwo()
    for (const uri of [sharedUri, alias]) await client.result('resources/subscribe', { uri })
    const toldOf = async (server: string): Promise<unknown> => {
      const after = client.mark()
      expect(await client.callText(`${server}__touch`, { uri: sharedUri })).toBe('sent')
      return (await client.waitForNotification('notifications/resources/updated', { after })).get(
        'params',
        'uri',
      )
    }
    expect(await toldOf('two')).toBe(alias)
    expect(await toldOf('one')).toBe(sharedUri)
    await client.result('resources/unsubscribe', { uri: alias })
    expect(await client.callText('two__touch', { uri: sharedUri })).toBe('not subscribed')
    expect(await client.callText('one__touch', { uri: sharedUri })).toBe('sent')
  })

  it('a clash that comes later changes the list and is said', async () => {
    const client = await openWithTwo()
    const after = client.mark()
    await client.callText('two__add-resource', { uri: 'note://one', text: 'of two' })
    await waitForChange(client, 'resources', { after })
    const later = 'patchbay://two/note%3A%2F%2Fone'
    expect(await readNames(client, 'resources')).toContain(later)
    expect(await readResource(client, later)).toMatchObject({ uri: later, text: 'of two' })
    expect(await readResource(client, 'note://one')).toMatchObject({ text: 'one' })
  })

  it('a client of the one server sees its own URI', async () => {
    await openWithTwo()
    const alone = app!.openShim({ server: 'two' })
    await alone.initialize()
    expect(await readNames(alone, 'resources')).toContain(sharedUri)
    expect(await readResource(alone, sharedUri)).toMatchObject({ uri: sharedUri, text: 'of two' })
  })

  it('links and embedded resources in results carry the alias, and only then', async () => {
    const labs = [new OddLab(), new OddLab()]
    try {
      const client = await openWith({ one: labs[0]!.entry, two: labs[1]!.entry })
      await waitForTool(client, 'two__act')
      await waitForTool(client, 'one__act')
      const aliased = 'patchbay://two/odd%3A%2F%2Fthing'
      const toReply = (uri: string): string =>
        `{"content":[{"type":"resource_link","uri":"${uri}","x":1.0},{"type":"resource","resource":{"uri":"${uri}","text":"odd://thing"}},{"type":"text","text":"odd://thing"}],"structuredContent":{"uri":"odd://thing"}}`
      for (const [index, server] of ['one', 'two'].entries()) {
        labs[index]!.prepare({ reply: toReply('odd://thing') })
        const answer = await client.request('tools/call', { name: `${server}__act` })
        expect(String(answer.raw('result'))).toBe(toReply(index === 0 ? 'odd://thing' : aliased))
      }
      labs[1]!.prepare({ reply: toReply('odd://elsewhere') })
      const answer = await client.request('tools/call', { name: 'two__act' })
      expect(String(answer.raw('result'))).toBe(toReply('odd://elsewhere'))
    } finally {
      for (const lab of labs) lab.dispose()
    }
  })
})

describe('requests for a URI go', () => {
  it('to its owner, else to the server whose template matches', async () => {
    const client = await openWith({
      one: toServerEntry('echo.ts', { name: 'one', templates: ['doc://one/{id}', 'doc://{any}/{id}'] }),
      two: toServerEntry('echo.ts', {
        name: 'two',
        templates: ['doc://two/{id}'],
        resources: [{ uri: 'doc://one/owned', text: 'owned by two' }],
      }),
    })
    await eventually(() => readNames(client, 'resourceTemplates')).toHaveLength(3)
    await eventually(() => readNames(client, 'resources')).toHaveLength(1)
    expect((await readResource(client, 'doc://one/7'))['text']).toBe('one doc://one/{id} 7')
    expect((await readResource(client, 'doc://two/7'))['text']).toBe('two doc://two/{id} 7')
    expect((await readResource(client, 'doc://x/7'))['text']).toBe('one doc://{any}/{id} x 7')
    expect((await readResource(client, 'doc://one/owned'))['text']).toBe('owned by two')
    await client.result('resources/subscribe', { uri: 'doc://two/8' })
    expect(await client.callText('two__subscriptions')).toContain('doc://two/8')
  })

  it('nowhere when nobody has it: -32002 with the URI', async () => {
    const client = await openWithTwo()
    for (const method of ['resources/read', 'resources/subscribe']) {
      const error = await readError(client, method, { uri: 'note://nobody' })
      expect(error.code).toBe(-32002)
      expect(error.message).toContain('note://nobody')
      expect(error.data).toMatchObject({ uri: 'note://nobody' })
    }
  })
})

describe('the same template on two servers', () => {
  it('each can be read: the later one under its alias', async () => {
    const templates = ['doc://{id}']
    const client = await openWith({
      one: toServerEntry('echo.ts', { name: 'one', templates }),
      two: toServerEntry('echo.ts', { name: 'two', templates }),
    })
    await eventually(() => readNames(client, 'resourceTemplates')).toHaveLength(2)
    const [first, second] = await readNames(client, 'resourceTemplates')
    expect(first).toBe('doc://{id}')
    const uri = second!.replace('{id}', '7')
    expect(uri).toMatch(/^patchbay:\/\/two\//)
    expect(await readResource(client, 'doc://7')).toMatchObject({ uri: 'doc://7', text: 'one doc://{id} 7' })
    // The contents name what was asked for: the server's own URI leads to the other server.
    expect(await readResource(client, uri)).toMatchObject({ uri, text: 'two doc://{id} 7' })
  })
})
