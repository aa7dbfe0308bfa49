// One server alone: its own serverInfo, instructions, capabilities and names, and everything passes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { readError, readNames, readResource, time } from '../clients/views.ts'
import { carrier, startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { OddLab } from '../hosts/odd-lab.ts'

let app: Headless
let lab: OddLab

const options = {
  name: 'its own name',
  instructions: 'Its own instructions.',
  pageSize: 3,
  extraTools: 4,
  without: ['logging'],
  resources: [{ uri: 'note://a', text: 'a' }],
  templates: ['note://x/{id}'],
  prompts: [{ name: 'a.b', arguments: ['x'] }],
}

beforeAll(async () => {
  lab = new OddLab()
  const servers = {
    echo: toServerEntry('echo.ts', options, { isolation: 'shared' }),
    other: toServerEntry('echo.ts', { name: 'other' }),
    odd: lab.entry,
    hung: toServerEntry('echo.ts', { hangAtStart: true }, { timeouts: { connectSeconds: 2 } }),
    off: toServerEntry('echo.ts', {}, { enabled: false }),
  }
  app = await startHeadless({ config: { servers } })
})

afterAll(async () => {
  try {
    await app.dispose()
  } finally {
    lab.dispose()
  }
})

async function openClient(server = 'echo'): Promise<RawClient> {
  const client = app.openShim({ server })
  await client.initialize({ sampling: {} })
  return client
}

describe('the one-server endpoints show', () => {
  it("the server's own serverInfo, instructions and capabilities", async () => {
    const client = app.openShim({ server: 'echo' })
    const answer = await client.initialize({}, '2025-03-26')
    expect(answer.result).toEqual({
      protocolVersion: '2025-03-26',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        completions: {},
      },
      serverInfo: { name: 'its own name', version: '1.0.0' },
      instructions: 'Its own instructions.',
    })
  })

  it('its own names', async () => {
    const client = await openClient()
    expect(await readNames(client, 'tools')).toEqual(['echo', 'blob', 'progress'])
    expect(await client.callText('echo', { text: 'hello' })).toBe('hello')
    const prompt = await client.result('prompts/get', { name: 'a.b', arguments: { x: 1 } })
    expect(JSON.stringify(prompt)).toContain('its own name a.b')
    expect(await readResource(client, 'note://x/7')).toMatchObject({ text: 'its own name note://x/{id} 7' })
  })

  it('its own pages and cursors', async () => {
    const client = await openClient()
    const first = await client.result('tools/list')
    expect(first['nextCursor']).toBe('from-3')
    const second = await client.result('tools/list', { cursor: first['nextCursor'] })
    expect(second['tools']).toHaveLength(3)
    const error = await readError(client, 'tools/list', { cursor: 'nonsense' })
    expect(error).toEqual({ code: -32602, message: 'Unknown cursor.' })
  })

  it('its own errors', async () => {
    const client = await openClient()
    expect(await readError(client, 'tools/call', { name: 'none' })).toEqual({
      code: -32602,
      message: 'No tool none.',
    })
    expect(await readError(client, 'resources/read', { uri: 'note://none' })).toEqual({
      code: -32002,
      message: 'Resource not found',
      data: { uri: 'note://none' },
    })
  })

  it('and nothing of other servers', async () => {
    const client = await openClient()
    expect((await readError(client, 'tools/call', { name: 'other__echo' })).message).toBe(
      'No tool other__echo.',
    )
    const pids = await Promise.all([client.callText('pid'), (await openClient('other')).callText('pid')])
    expect(new Set(pids).size).toBe(2)
  })
})

describe('and pass everything:', () => {
  it('unknown requests of the client, and their errors', async () => {
    const client = await openClient()
    expect(await client.result('vendor/thing', { a: [1] })).toEqual({ a: [1] })
    expect(await readError(client, 'strange/thing')).toEqual({
      code: -32601,
      message: 'No method strange/thing.',
    })
    expect(await client.result('ping')).toEqual({})
  })

  it('unknown notifications of the client', async () => {
    const client = await openClient()
    client.notify('notifications/vendor', { from: 'client' })
    const heard = await client.callText('notifications')
    expect(JSON.parse(heard)).toContain(
      '{"jsonrpc":"2.0","method":"notifications/vendor","params":{"from":"client"}}',
    )
  })

  it('unknown notifications of the server, to its own clients alone', async () => {
    const whole = app.openShim()
    await whole.initialize()
    const [client, other] = [await openClient('odd'), await openClient('other')]
    lab.prepare({ emit: '{"jsonrpc":"2.0","method":"notifications/vendor","params":{"from":"server"}}' })
    await client.request('tools/call', { name: 'act' })
    const told = await client.waitForNotification('notifications/vendor')
    expect(told.get('params')).toEqual({ from: 'server' })
    for (const one of [whole, other]) {
      await one.result('ping')
      expect(one.notifications('notifications/vendor')).toEqual([])
    }
  })

  it('unknown questions of the server, and their answers', async () => {
    const client = await openClient('odd')
    client.onQuestion('vendor/question', () => ({ answer: 1 }))
    lab.prepare({
      ask: '{"jsonrpc":"2.0","id":"q","method":"vendor/question","params":{"a":1}}',
      reply: '{}',
    })
    await client.request('tools/call', { name: 'act' })
    const answer = await lab.waitForReceived((one) => one.method === undefined && one.idKey === 'text q')
    expect(answer.result).toEqual({ answer: 1 })
  })

  it('list_changed', async () => {
    const client = await openClient()
    await client.callText('add-tool', { name: 'new' })
    await client.waitForNotification('notifications/tools/list_changed')
  })

  it('completion', async () => {
    const client = await openClient()
    const params = { ref: { type: 'ref/prompt', name: 'a.b' }, argument: { name: 'x', value: 'v' } }
    const { completion } = await client.result('completion/complete', params)
    expect(completion).toMatchObject({ values: ['ref/prompt a.b', 'x=v', 'null'] })
  })
})

describe('a client of one server that', () => {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  }

  it.skipIf(carrier !== 'shim').each(['nonsense', 'off'])(
    'cannot be had (%s) is told so: one sentence, exit 1',
    async (server) => {
      const client = app.openShim({ server })
      expect(await withDeadline(client.wire.closed, 5000, () => client.describe())).toBe(1)
      expect(client.stderr).toMatch(new RegExp(`^[^\\n]*${server}[^\\n]*\\n$`))
      expect(client.received).toEqual([])
    },
  )

  it.skipIf(carrier === 'shim').each(['nonsense', 'off'])(
    'cannot be had (%s) is told so by HTTP',
    async (server) => {
      const client = app.openShim({ server })
      expect((await readError(client, 'initialize', params)).message).toMatch(/no server .*switched on/)
    },
  )

  it('hangs is answered when its connect time-out is over, with server and state', async () => {
    const client = app.openShim({ server: 'hung' })
    const { value, took } = await time(() => readError(client, 'initialize', params))
    expect(value.message).toContain('hung')
    expect(value.data).toMatchObject({ server: 'hung' })
    expect(took).toBeLessThan(3500)
  })
})
