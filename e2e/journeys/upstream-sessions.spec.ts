// Sessions with servers behind HTTP, older servers, and proxies in between.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readNames, waitForChange, waitForTool } from '../clients/views.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { startHttpServer, type HttpServer } from '../hosts/http-server.ts'
import { findCalls, type RecordedRequest } from '../servers/http-record.ts'
import type { JsonObject } from '../servers/json-values.ts'

async function openClient(app: Headless): Promise<RawClient> {
  const client = app.openShim()
  await client.initialize({ sampling: {}, elicitation: {}, roots: {} })
  return client
}

describe('a session', () => {
  let server: HttpServer | undefined
  let app: Headless | undefined

  afterEach(async () => {
    await app?.dispose()
    await server?.stop()
    app = undefined
    server = undefined
  })

  async function start(
    options: JsonObject = {},
    entry: JsonObject = {},
    env: NodeJS.ProcessEnv = {},
  ): Promise<Headless> {
    server = await startHttpServer('http-echo.ts', options)
    app = await startHeadless({ config: { servers: { far: { url: server.url, ...entry } } }, env })
    return app
  }

  const readRecord = (): Promise<RecordedRequest[]> => server!.readRecord()

  it('has its id and revision on everything after the opening, is opened once, and is ended at the end', async () => {
    const host = await start({}, { isolation: 'shared' })
    for (const name of ['one', 'two']) {
      const client = host.openShim({ client: name })
      await client.initialize()
      await waitForTool(client, 'far__echo')
    }
    await eventually(async () => (await readRecord()).some(({ method }) => method === 'GET')).toBe(true)
    await host.stop()
    const [opening, ...others] = await readRecord()
    expect(opening).toMatchObject({ method: 'POST', rpcMethod: 'initialize' })
    expect(opening!.headers['mcp-session-id']).toBeUndefined()
    expect(others[0]).toMatchObject({ method: 'POST', rpcMethod: 'notifications/initialized' })
    const ids = new Set(others.map(({ headers }) => headers['mcp-session-id']))
    expect([...ids]).toEqual([expect.stringMatching(/^[\da-f-]{36}$/)])
    expect(new Set(others.map(({ headers }) => headers['mcp-protocol-version']))).toEqual(
      new Set(['2025-11-25']),
    )
    expect(others.filter(({ rpcMethod }) => rpcMethod === 'initialize')).toEqual([])
    expect(others.at(-1)).toMatchObject({ method: 'DELETE' })
    for (const { method, headers } of others.slice(0, -1)) {
      if (method === 'POST') expect(headers.accept).toMatch(/application\/json.*text\/event-stream/)
      else expect(headers.accept).toBe('text/event-stream')
    }
  })

  it('is one for each client where the isolation says so, and ended when the client goes', async () => {
    const host = await start({}, { isolation: 'session' })
    const clients = await Promise.all([openClient(host), openClient(host)])
    for (const client of clients) await client.callText('far__count')
    const readSessions = async (method: string): Promise<unknown[]> => [
      ...new Set(
        (await readRecord())
          .filter((one) => one.method === method)
          .map((one) => one.headers['mcp-session-id']),
      ),
    ]
    const calls = findCalls(await readRecord(), 'count')
    expect(new Set(calls.map(({ headers }) => headers['mcp-session-id'])).size).toBe(2)
    const before = (await readSessions('DELETE')).length
    await clients[0].close()
    await eventually(async () => (await readSessions('DELETE')).length).toBe(before + 1)
    expect(await clients[1].callText('far__echo', { text: 'still here' })).toBe('still here')
  })

  it('is not needed: a server without sessions and without a standalone stream', async () => {
    const host = await start({ sessions: false, standalone: false })
    const client = await openClient(host)
    await waitForTool(client, 'far__echo')
    expect(await client.callText('far__echo', { text: 'hello' })).toBe('hello')
    await host.stop()
    const record = await readRecord()
    expect(record.filter(({ headers }) => headers['mcp-session-id'] !== undefined)).toEqual([])
    expect(record.filter(({ method }) => method === 'GET').length).toBeLessThanOrEqual(1)
  })

  it('that cannot be ended (405) is left', async () => {
    const host = await start({ deletes: false })
    await waitForTool(await openClient(host), 'far__echo')
    await host.stop()
    expect((await readRecord()).at(-1)).toMatchObject({ method: 'DELETE' })
  })

  it('goes on when its standalone stream breaks: what was said meanwhile is asked for', async () => {
    const host = await start({ eventIds: true, retryMs: 300 })
    const client = await openClient(host)
    await waitForTool(client, 'far__echo')
    await eventually(async () => (await readRecord()).some(({ method }) => method === 'GET')).toBe(true)
    await server!.control({ cut: true })
    const after = client.mark()
    await client.callText('far__add-tool', { name: 'new' })
    await waitForChange(client, 'tools', { after })
    expect(await readNames(client, 'tools')).toContain('far__new')
    const [, again] = (await readRecord()).filter(({ method }) => method === 'GET')
    expect(again?.headers['last-event-id']).toMatch(/^standalone-\d+$/)
  })

  it('that the server has forgotten is opened anew, and the call is worked on once', async () => {
    const host = await start()
    const client = await openClient(host)
    await waitForTool(client, 'far__echo')
    await server!.control({ forget: true })
    expect(await client.callText('far__echo', { text: 'after it was forgotten' })).toBe(
      'after it was forgotten',
    )
    const calls = findCalls(await readRecord(), 'echo').filter(({ body }) => body.includes('forgotten'))
    // The first one was refused.
    expect(calls).toHaveLength(2)
    expect(new Set(calls.map(({ headers }) => headers['mcp-session-id'])).size).toBe(2)
  })

  it('carries the headers of the configuration, with what stands for variables, and tells them nobody', async () => {
    const headers = { 'X-Team': 'a team', Authorization: 'Bearer ${FAR_TOKEN}' }
    const host = await start({}, { headers }, { FAR_TOKEN: 'far-secret-7' })
    await waitForTool(await openClient(host), 'far__echo')
    await host.stop()
    const record = await readRecord()
    expect(record.length).toBeGreaterThan(3)
    for (const one of record)
      expect(one.headers).toMatchObject({ 'x-team': 'a team', authorization: 'Bearer far-secret-7' })
    expect(host.stderr).not.toContain('far-secret-7')
  })

  it('shared by several clients: each is asked what its own calls led to', async () => {
    const host = await start({}, { isolation: 'shared' })
    const clients = await Promise.all(
      ['left', 'right'].map(async (label) => {
        const client = await openClient(host)
        client.onQuestion('sampling/createMessage', () => ({ by: label }))
        await waitForTool(client, 'far__ask-sampling')
        return client
      }),
    )
    const rounds = [...Array(20).keys()].flatMap((round) =>
      clients.map((client) => client.callText('far__ask-sampling', { tag: 'x', delayMs: round % 5 })),
    )
    const answers = await Promise.all(rounds)
    for (const [index, answer] of answers.entries())
      expect(answer).toContain(index % 2 === 0 ? '"by":"left"' : '"by":"right"')
  })
})

describe('an older server', () => {
  it('under type http is found by falling back, and spoken to over HTTP+SSE', async () => {
    await using server = await startHttpServer('http-echo.ts', { streamable: false })
    await using app = await startHeadless({ config: { servers: { far: { url: server.sseUrl } } } })
    const client = await openClient(app)
    await waitForTool(client, 'far__echo')
    expect(await client.callText('far__echo', { text: 'hello' })).toBe('hello')
    const [opening, ...others] = await server.readRecord()
    expect(opening).toMatchObject({ method: 'POST', path: '/sse', rpcMethod: 'initialize' })
    expect(others[0]).toMatchObject({ method: 'GET', path: '/sse' })
    for (const one of others.slice(1)) expect(one.path).toMatch(/^\/messages\?sessionId=/)
  })

  it('has a revision of its own', async () => {
    await using server = await startHttpServer('http-echo.ts')
    await using app = await startHeadless({
      config: { servers: { far: { type: 'sse', url: server.sseUrl } } },
    })
    const client = app.openShim({ server: 'far' })
    const answer = await client.initialize({}, '2024-11-05')
    expect(answer.get('result', 'protocolVersion')).toBe('2024-11-05')
    expect(await client.callText('echo', { text: 'hello' })).toBe('hello')
  })
})

describe('behind a proxy that', () => {
  it.each([
    { what: 'holds each response back until it is whole', mode: 'buffer' },
    { what: 'cuts connections that are silent', mode: 'idle' },
  ])('$what, calls and questions go on', async ({ mode }) => {
    await using server = await startHttpServer('http-echo.ts', {
      questions: 'get',
      eventIds: true,
      retryMs: 20,
    })
    await using proxy = await startHttpServer('buffering-proxy.ts', {
      target: server.origin,
      mode,
      idleMs: 300,
    })
    await using app = await startHeadless({ config: { servers: { far: { url: proxy.url } } } })
    const client = await openClient(app)
    await waitForTool(client, 'far__echo')
    for (const text of ['one', 'two', 'three']) {
      expect(await client.callText('far__echo', { text })).toBe(text)
      await client.callText('far__sleep', { ms: 100, value: text })
    }
    if (mode === 'buffer') return
    // Longer than the proxy bears: the answer has to be come for.
    expect(await client.callText('far__sleep', { ms: 1000, value: 'late' })).toBe('late')
    client.onQuestion('sampling/createMessage', () => ({ yes: 1 }))
    expect(await client.callText('far__ask-sampling', { tag: 'x', delayMs: 500 })).toContain('"yes":1')
    const record = await server.readRecord()
    expect(findCalls(record, 'ask-sampling')).toHaveLength(1)
    expect(record.some(({ headers }) => String(headers['last-event-id']).startsWith('call'))).toBe(true)
  })
})
