// The reference server behind Streamable HTTP and behind HTTP+SSE: everything that it offers arrives through Patchbay.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Message } from '../clients/message.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readNames, time, waitForTool } from '../clients/views.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { startEverything, type HttpServer } from '../hosts/http-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

const kinds = [
  { type: 'http', start: 'streamableHttp', toUrl: (server: HttpServer): string => server.url },
  { type: 'sse', start: 'sse', toUrl: (server: HttpServer): string => server.sseUrl },
] as const

const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } }

describe.each(kinds)('@modelcontextprotocol/server-everything over $type', ({ type, start, toUrl }) => {
  let server: HttpServer
  let app: Headless
  let client: RawClient

  beforeAll(async () => {
    server = await startEverything(start)
    const url = toUrl(server)
    const servers = { all: { type, url }, own: { type, url, isolation: 'session' } }
    app = await startHeadless({ config: { servers } })
    client = await openClient()
    for (const name of ['all__echo', 'own__echo', 'all__trigger-sampling-request'])
      await waitForTool(client, name)
  })

  afterAll(async () => {
    await app.dispose()
    await server.stop()
  })

  async function openClient(): Promise<RawClient> {
    const opened = app.openShim()
    opened.onQuestion('sampling/createMessage', () => ({
      role: 'assistant',
      model: 'a model',
      content: { type: 'text', text: 'a sample' },
    }))
    opened.onQuestion('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
    opened.onQuestion('roots/list', () => ({ roots: [{ uri: 'file:///a/root', name: 'a root' }] }))
    await opened.initialize(capabilities)
    return opened
  }

  function call(name: string, args: JsonObject = {}): Promise<JsonObject> {
    return client.result('tools/call', { name: `all__${name}`, arguments: args })
  }

  it('tools with text, images, annotations, links, embedded resources and structured content', async () => {
    expect(await client.callText('all__get-sum', { a: 2, b: 3 })).toContain('5')
    expect((await call('get-tiny-image'))['content']).toContainEqual(
      expect.objectContaining({ type: 'image', mimeType: 'image/png' }),
    )
    const annotated = await call('get-annotated-message', { messageType: 'error', includeImage: true })
    expect((annotated['content'] as JsonObject[])[0]).toEqual({
      type: 'text',
      text: 'Error: Operation failed',
      annotations: { priority: 1, audience: ['user', 'assistant'] },
    })
    const weather = await call('get-structured-content', { location: 'Chicago' })
    expect(weather['structuredContent']).toMatchObject({ temperature: 36, humidity: 82 })
    const links = await call('get-resource-links', { count: 2 })
    expect(
      (links['content'] as JsonObject[]).filter((block) => block['type'] === 'resource_link'),
    ).toHaveLength(2)
    const reference = await call('get-resource-reference', { resourceType: 'Text', resourceId: 3 })
    expect(reference['content']).toContainEqual(expect.objectContaining({ type: 'resource' }))
  })

  it("a tool's own failure arrives as its result", async () => {
    const { isError } = await call('get-resource-reference', { resourceType: 'Text', resourceId: -1 })
    expect(isError).toBe(true)
  })

  it('resources, templates, prompts and completion', async () => {
    const [uri] = await readNames(client, 'resources')
    const read = await client.result('resources/read', { uri })
    expect((read['contents'] as JsonObject[])[0]).toMatchObject({ uri })
    expect(await readNames(client, 'resourceTemplates')).toContain(
      'demo://resource/dynamic/text/{resourceId}',
    )
    const dynamic = await client.result('resources/read', { uri: 'demo://resource/dynamic/text/7' })
    expect((dynamic['contents'] as JsonObject[])[0]).toMatchObject({ mimeType: 'text/plain' })
    const name = 'all__completable-prompt'
    const prompt = await client.result('prompts/get', {
      name,
      arguments: { department: 'Sales', name: 'Eve' },
    })
    expect(JSON.stringify(prompt)).toContain('promote Eve to the head of the Sales team')
    const ref = { type: 'ref/prompt', name }
    const argument = { name: 'department', value: 'S' }
    const { completion } = await client.result('completion/complete', { ref, argument })
    expect(completion).toMatchObject({ values: ['Sales', 'Support'] })
  })

  it('progress, before the answer', async () => {
    const after = client.mark()
    const params = {
      name: 'all__trigger-long-running-operation',
      arguments: { duration: 0.3, steps: 3 },
      _meta: { progressToken: 'mine' },
    }
    expect((await client.request('tools/call', params)).text).toContain('completed')
    const isTold = (one: Message): boolean =>
      one.method === undefined || one.method === 'notifications/progress'
    const told = client.received.slice(after).filter(isTold)
    expect(told.map((one) => one.get('params', 'progress'))).toEqual([1, 2, 3, undefined])
  })

  it('questions: sampling, elicitation and roots', async () => {
    const sample = await client.callText('all__trigger-sampling-request', { prompt: 'hello', maxTokens: 9 })
    expect(sample).toContain('a sample')
    const elicited = await client.request('tools/call', { name: 'all__trigger-elicitation-request' })
    expect(elicited.excerpt(2000)).toContain('Ada')
    const readRoots = async (): Promise<string> =>
      (await client.request('tools/call', { name: 'own__get-roots-list' })).excerpt(2000)
    await eventually(readRoots).toContain('file:///a/root')
  })

  it('questions of two clients go to the one whose call it is', async () => {
    const other = await openClient()
    other.onQuestion('sampling/createMessage', () => ({
      role: 'assistant',
      model: 'a model',
      content: { type: 'text', text: 'of the other' },
    }))
    await waitForTool(other, 'all__trigger-sampling-request')
    const args = { prompt: 'hello', maxTokens: 9 }
    const rounds = Array.from({ length: 10 }, () =>
      Promise.all([client, other].map((one) => one.callText('own__trigger-sampling-request', args))),
    )
    for (const [mine, others] of await Promise.all(rounds)) {
      expect(mine).toContain('a sample')
      expect(others).toContain('of the other')
    }
    await other.close()
  })

  it('log messages and updates of what is subscribed, which come by themselves', async () => {
    await client.result('logging/setLevel', { level: 'debug' })
    const uri = 'demo://resource/dynamic/text/1'
    const alone = app.openShim({ server: 'own' })
    await alone.initialize(capabilities)
    await alone.result('logging/setLevel', { level: 'debug' })
    await alone.result('resources/subscribe', { uri })
    await alone.callText('toggle-simulated-logging')
    await alone.callText('toggle-subscriber-updates')
    await alone.waitForNotification('notifications/message')
    const updated = await alone.waitForNotification('notifications/resources/updated')
    expect(updated.get('params')).toEqual({ uri })
    await alone.close()
  })

  it('cancellation: the call is not answered, and others go on', async () => {
    const { took } = await time(async () => {
      const params = { name: 'all__trigger-long-running-operation', arguments: { duration: 30, steps: 1 } }
      client.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: 'gone', method: 'tools/call', params }))
      await client.callText('all__get-sum', { a: 1, b: 1 })
      client.notify('notifications/cancelled', { requestId: 'gone' })
      expect(await client.callText('all__echo', { message: 'still there' })).toContain('still there')
    })
    expect(took).toBeLessThan(5000)
    expect(client.received.filter((one) => one.idKey === 'text gone')).toEqual([])
  })

  it('one server alone, with its own names and its own serverInfo', async () => {
    const alone = app.openShim({ server: 'all' })
    const answer = await alone.initialize()
    expect(answer.get('result', 'serverInfo', 'name')).toBe('mcp-servers/everything')
    expect(await readNames(alone, 'tools')).toContain('echo')
    expect(await alone.callText('echo', { message: 'hello' })).toContain('hello')
  })
})
