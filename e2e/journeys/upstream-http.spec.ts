// Servers behind HTTP, in all the ways that the specification lets them answer; what travels is seen by a server of ours.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oddIds, oddValues, type OddValue } from '../clients/odd-messages.ts'
import { RawAnswer, type RawClient } from '../clients/raw-client.ts'
import { eventually, readNames, readResource, waitForChange, waitForTool } from '../clients/views.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { startHttpServer, type HttpServer } from '../hosts/http-server.ts'
import { findCalls } from '../servers/http-record.ts'
import type { JsonObject } from '../servers/json-values.ts'

interface Way {
  readonly what: string
  /** Whether answers have to be come for. */
  readonly isResumed?: boolean
  readonly options: JsonObject
  readonly isOld?: boolean
}

const ways: readonly Way[] = [
  { what: 'event streams', options: {} },
  { what: 'JSON', options: { answers: 'json' } },
  {
    what: 'event streams that end before the answer',
    options: { polling: true, retryMs: 20 },
    isResumed: true,
  },
  {
    what: 'event streams that break and are resumed',
    options: { cutting: true, retryMs: 20 },
    isResumed: true,
  },
  { what: 'questions on the standalone stream', options: { questions: 'get', eventIds: true } },
  { what: 'HTTP+SSE', options: {}, isOld: true },
]

const offered = {
  resources: [{ uri: 'note://a', text: 'a' }],
  templates: ['note://x/{id}'],
  prompts: [{ name: 'greet', arguments: ['who'] }],
}

function toEntry(server: HttpServer, { isOld = false }: Way): JsonObject {
  return isOld ? { type: 'sse', url: server.sseUrl } : { type: 'http', url: server.url }
}

async function openClient(app: Headless, server?: string): Promise<RawClient> {
  const client = app.openShim(server === undefined ? {} : { server })
  await client.initialize({ sampling: {}, elicitation: {}, roots: {} })
  return client
}

describe.each(ways)('a server that answers with $what', (way) => {
  let server: HttpServer
  let app: Headless
  let client: RawClient

  beforeAll(async () => {
    server = await startHttpServer('http-echo.ts', { ...offered, ...way.options })
    app = await startHeadless({ config: { servers: { far: toEntry(server, way) } } })
    client = await openClient(app)
    await waitForTool(client, 'far__echo')
  })

  afterAll(async () => {
    await app.dispose()
    await server.stop()
  })

  it('tools, resources, prompts and completion', async () => {
    expect(await client.callText('far__echo', { text: 'hello' })).toBe('hello')
    expect(await readResource(client, 'note://a')).toMatchObject({ text: 'a' })
    expect(await readResource(client, 'note://x/7')).toMatchObject({ text: 'echo note://x/{id} 7' })
    const prompt = await client.result('prompts/get', { name: 'far__greet', arguments: { who: 'Ada' } })
    expect(JSON.stringify(prompt)).toContain('echo greet')
    const ref = { type: 'ref/prompt', name: 'far__greet' }
    const params = { ref, argument: { name: 'who', value: 'A' } }
    expect(await client.result('completion/complete', params)).toMatchObject({
      completion: { values: ['ref/prompt greet', 'who=A', 'null'] },
    })
  })

  it('many calls at once: each is sent once and gets its own answer', async () => {
    const numbers = [...Array(100).keys()]
    const texts = numbers.map((number) => `${way.what} ${number}`)
    const answers = await Promise.all(
      texts.map((value, number) => client.callText('far__sleep', { ms: number % 7, value })),
    )
    expect(answers).toEqual(texts)
    const record = await server.readRecord()
    const calls = findCalls(record, 'sleep')
    for (const text of texts) expect(calls.filter(({ body }) => body.includes(`"${text}"`))).toHaveLength(1)
    const resumed = record.filter(({ headers }) => String(headers['last-event-id']).startsWith('call'))
    expect(resumed.length > 0).toBe(way.isResumed === true)
  })

  it('a question during a call, and the answer to it', async () => {
    client.onQuestion('sampling/createMessage', () => ({ yes: 1 }))
    expect(await client.callText('far__ask-sampling', { tag: 'x' })).toContain('"result":{"yes":1}')
    const error = '{"code":-1,"message":"The user said no."}'
    client.onQuestion('elicitation/create', () => new RawAnswer('error', error))
    expect(await client.callText('far__ask-elicitation', { tag: 'x' })).toContain(error)
  })

  it('what comes by itself: changed lists, updates of resources', async () => {
    const after = client.mark()
    await client.callText('far__add-tool', { name: 'new' })
    await waitForChange(client, 'tools', { after })
    expect(await readNames(client, 'tools')).toContain('far__new')
    await client.result('resources/subscribe', { uri: 'note://a' })
    expect(await client.callText('far__touch', { uri: 'note://a' })).toBe('sent')
    const updated = await client.waitForNotification('notifications/resources/updated', { after })
    expect(updated.get('params')).toEqual({ uri: 'note://a' })
  })

  it('a cancellation reaches it', async () => {
    const params = { name: 'far__sleep', arguments: { ms: 30_000, value: 'late' } }
    client.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: 'gone', method: 'tools/call', params }))
    await client.callText('far__count')
    client.notify('notifications/cancelled', { requestId: 'gone', reason: 'no longer wanted' })
    const readReport = async (): Promise<unknown> =>
      JSON.parse(await client.callText('far__cancelled-report'))
    await eventually(readReport).toContainEqual(
      expect.objectContaining({ known: true, reason: 'no longer wanted' }),
    )
    expect(client.received.filter((one) => one.idKey === 'text gone')).toEqual([])
  })

  it('errors as they came, and big answers', async () => {
    const alone = await openClient(app, 'far')
    const { error } = await alone.request('resources/read', { uri: 'note://none' })
    expect(error).toEqual({ code: -32002, message: 'Resource not found', data: { uri: 'note://none' } })
    const bytes = 5_000_000
    expect(await alone.callText('blob', { bytes })).toBe('x'.repeat(bytes))
    const text = 'ä'.repeat(1_000_000)
    expect(await alone.callText('echo', { text })).toBe(text)
  })
})

describe.each(ways.filter(({ what }) => ['event streams', 'JSON', 'HTTP+SSE'].includes(what)))(
  'every byte is kept, there and back ($what):',
  (way) => {
    let server: HttpServer
    let app: Headless
    let alone: RawClient

    beforeAll(async () => {
      server = await startHttpServer('http-echo.ts', way.options)
      app = await startHeadless({ config: { servers: { far: toEntry(server, way) } } })
      alone = await openClient(app, 'far')
    })

    afterAll(async () => {
      await app.dispose()
      await server.stop()
    })

    it.each(oddValues)('$title', async ({ json }: OddValue) => {
      const id = alone.nextId()
      const line = `{"jsonrpc":"2.0","id":${id},"method":"vendor/odd","params":${json}}`
      const answer = await alone.requestRaw(line)
      expect(answer.raw('result')?.equals(Buffer.from(json))).toBe(true)
    })

    it.each(oddIds)('the id $title', async ({ json }: OddValue) => {
      const answer = await alone.requestRaw(
        `{"jsonrpc":"2.0","id":${json},"method":"vendor/odd","params":{}}`,
      )
      expect(String(answer.id)).toBe(json)
    })
  },
)
