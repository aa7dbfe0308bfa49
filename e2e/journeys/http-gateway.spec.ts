// Streamable HTTP and HTTP+SSE through the app, by hand and with SDK clients.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import { HandEvents, HandSession, openByHand } from '../clients/hand-session.ts'
import { openSdkOne, openSdkTwo } from '../clients/sdk-clients.ts'
import { eventually } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { toObject } from '../servers/json-values.ts'

const servers = { echo: toServerEntry('echo.ts'), asker: toServerEntry('asker.ts') }
const args = ['--port', '0']

describe('Streamable HTTP', () => {
  let app: Headless

  beforeAll(async () => {
    app = await startHeadless({ config: { servers }, args })
    await (await openByHand(app)).waitForTool('asker__ask-later')
  })

  afterAll(() => app.dispose())

  it('is where the ready line and the rendezvous say', () => {
    const told = toObject(JSON.parse(readFileSync(path.join(app.dataDir, 'rendezvous.json'), 'utf8')))
    expect(app.ready.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect([told['url'], app.ready.page]).toEqual([app.ready.url, null])
  })

  it('answers with JSON, in the revision that was asked for', async () => {
    for (const revision of ['2025-03-26', '2025-06-18', '2025-11-25']) {
      const session = new HandSession(app)
      expect(await session.open(revision)).toMatchObject({ protocolVersion: revision })
      const response = await session.call(1, 'echo__echo', { text: 'hello' }, {})
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(await response.json()).toMatchObject({ id: 1, result: { content: [{ text: 'hello' }] } })
    }
  })

  it('tells progress before the answer, each with an id, after an empty event', async () => {
    const session = await openByHand(app)
    const given = { ms: 200, value: 'x', steps: 3 }
    const events = new HandEvents(await session.call(1, 'echo__sleep', given, { progressToken: 'p' }))
    const first = await events.next()
    expect(first?.data?.length).toBe(0)
    expect(first?.id).toMatch(/-0$/)
    for (const progress of [1, 2, 3]) {
      expect(await events.nextMessage()).toMatchObject({ params: { progressToken: 'p', progress } })
    }
    expect(await events.nextMessage()).toMatchObject({ id: 1, result: {} })
    expect(await events.next()).toBeUndefined()
  })

  it('lets a client go on where its connection broke, with nothing lost and nothing twice', async () => {
    const session = await openByHand(app)
    const given = { ms: 400, value: 'x', steps: 4 }
    const events = new HandEvents(await session.call(1, 'echo__sleep', given, { progressToken: 'p' }))
    await events.next()
    const event = await events.next()
    await events.cancel()
    const resumed = new HandEvents(await session.listen(event?.id))
    for (const progress of [2, 3, 4]) {
      expect(await resumed.nextMessage()).toMatchObject({ params: { progress } })
    }
    expect(await resumed.nextMessage()).toMatchObject({ id: 1, result: {} })
    expect(await resumed.next()).toBeUndefined()
  })

  it('carries a question of a server on the stream of its call', async () => {
    const session = await openByHand(app)
    const events = new HandEvents(await session.call(1, 'asker__ask-sampling', { tag: 'hi' }))
    const question = await events.nextMessage()
    expect(question['method']).toBe('sampling/createMessage')
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'a sample' } }
    expect((await session.post({ id: question['id'], result })).status).toBe(202)
    expect(JSON.stringify(await events.nextMessage())).toContain('a sample')
  })

  it('tells changes on a stream of their own, and what came before it was open', async () => {
    const session = await openByHand(app)
    const changed = { method: 'notifications/tools/list_changed' }
    await (await session.call(1, 'echo__add-tool', { name: 'late' })).text()
    // Asking for the list would be to know already.
    const late = async (): Promise<string> => (await session.call(3, 'echo__late')).text()
    await eventually(late).toContain('"result"')
    const events = new HandEvents(await session.listen())
    expect(await events.nextMessage()).toMatchObject(changed)
    await (await session.call(2, 'echo__remove-tool', { name: 'late' })).text()
    expect(await events.nextMessage()).toMatchObject(changed)
    await events.cancel()
  })

  it('ends the stream of a call that is taken back, without an answer', async () => {
    const session = await openByHand(app)
    let isAnswered = false
    const called = session
      .call(7, 'echo__sleep', { ms: 30_000, value: 'x' })
      .finally(() => (isAnswered = true))
    await eventually(async () => {
      await session.post({ method: 'notifications/cancelled', params: { requestId: 7 } })
      return isAnswered
    }).toBe(true)
    expect(await new HandEvents(await called).next()).toBeUndefined()
  })

  it('knows a session only where it was opened, and no more once it is ended', async () => {
    const session = await openByHand(app)
    const elsewhere = await fetch(`${app.ready.url!}/mcp/servers/echo`, {
      headers: { authorization: `Bearer ${app.token}`, 'mcp-session-id': session.id },
    })
    expect(elsewhere.status).toBe(404)
    expect((await session.delete()).status).toBe(200)
    expect((await session.post({ id: 1, method: 'ping' })).status).toBe(404)
  })

  it('is there for one server alone', async () => {
    const session = new HandSession(app, '/mcp/servers/echo')
    expect(await session.open()).toMatchObject({ serverInfo: { name: 'echo' } })
    const response = await session.call(1, 'echo', { text: 'hello' })
    expect(await response.json()).toMatchObject({ result: { content: [{ text: 'hello' }] } })
  })

  it('logs who came and who left', async () => {
    const log = new AppLog(app.dataDir)
    const after = log.mark()
    const session = await openByHand(app)
    await session.delete()
    await log.waitFor(
      ({ message, client, carrier }) => {
        return message === 'A client left.' && client === 'by hand' && carrier === 'http'
      },
      { after },
    )
  })

  const lines = [
    { name: 'SDK 1.x', open: openSdkOne },
    { name: 'SDK 2.x', open: (place: Parameters<typeof openSdkOne>[0]) => openSdkTwo(place, 'auto') },
  ]

  it.each(
    lines.flatMap((line) => [
      { ...line, kind: 'http' as const },
      { ...line, kind: 'sse' as const },
    ]),
  )('serves a client of $name over $kind', async ({ open: openSdk, kind }) => {
    const client = await openSdk({ kind, target: app.toHttpTarget(kind) })
    try {
      expect(client.serverName).toBe('patchbay')
      expect(await client.callTool('echo__echo', { text: 'hello' })).toBe('hello')
      expect(await client.callTool('asker__ask-sampling', { tag: 'hi' })).toContain('a sample')
      const told: number[] = []
      const onprogress = ({ progress }: { progress: number }): void => void told.push(progress)
      await client.callTool('echo__sleep', { ms: 300, value: 'x', steps: 2 }, { onprogress })
      expect(told).toEqual([1, 2])
      const changed = new Promise<void>((resolve) => {
        client.onToolsChanged(resolve)
      })
      await client.callTool('echo__add-tool', { name: `more-${kind}` })
      await withDeadline(changed, defaultDeadline, () => 'no word of the new tool')
      await client.callTool('echo__remove-tool', { name: `more-${kind}` })
    } finally {
      await client.close()
    }
  })
})
