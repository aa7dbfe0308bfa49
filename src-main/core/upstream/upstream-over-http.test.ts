import { afterEach, describe, expect, it } from 'vitest'
import { openSession } from '../../testing/http-connection.ts'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { waitUntil } from '../../testing/router-bench.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { toServerConfig } from '../../testing/server-config.ts'
import { createUpstreamContext } from '../../testing/upstream-context.ts'
import { createUpstreamRecorder } from '../../testing/upstream-recorder.ts'
import { openHttpBench, type BenchRequest, type HttpBench } from '../../testing/upstream-http-bench.ts'
import { emptyLists } from './lists/list-items.ts'
import { Upstream } from './upstream.ts'

const made: Upstream[] = []
afterEach(() => Promise.all(made.splice(0).map((upstream) => upstream.stop())))

const restart = { enabled: true, max: 2, windowSeconds: 300, delayMs: 1, maxDelayMs: 5, jitter: false }

interface Pair {
  readonly http: HttpBench
  readonly upstream: Upstream
  readonly states: () => string[]
  readonly entries: readonly object[]
}

/** A server whose openings are answered like this; requests of other methods than these are answered by hand. */
async function create(
  onOpening: (request: BenchRequest) => unknown,
  own: { headers?: Record<string, string>; query?: string } = {},
): Promise<Pair> {
  const http = await openHttpBench()
  http.rule = (request) => {
    const { method = request.method } = request.message
    if (method === 'initialize') onOpening(request)
    else if (method === 'GET') request.answer(405)
    else if (method === 'DELETE' || method.startsWith('notifications/')) request.answer(202)
    else return false
    return true
  }
  const recorder = createUpstreamRecorder()
  const { logger, entries } = createLogRecorder()
  const context = createUpstreamContext(await makeScratchFolder(), logger)
  const { headers = {}, query = '' } = own
  const transport = { type: 'http', url: `${http.url}${query}`, headers } as const
  const upstream = new Upstream(
    toServerConfig(transport, { restart }),
    context,
    emptyLists,
    recorder.listener,
  )
  made.push(upstream)
  return { http, upstream, states: recorder.states, entries }
}

function openings(http: HttpBench): number {
  return http.posted.filter((method) => method === 'initialize').length
}

describe('an upstream that has forgotten its session', () => {
  it('gets another at once, and it is no failure', async () => {
    const { http, upstream, states } = await create((request) => {
      openSession(request)
    })
    upstream.start()
    for (let times = 1; times <= 4; times += 1) {
      const connection = await upstream.whenReady()
      const served = connection.request('a', {}, 5000)
      ;(await http.nextPost('a')).result()
      await served
      const asked = connection.request('b', {}, 5000)
      ;(await http.nextPost('b')).answer(404)
      await expect(asked).rejects.toThrow('the server has forgotten the session')
      expect(upstream.connection).toBeUndefined()
    }
    await upstream.whenReady()
    expect(openings(http)).toBe(5)
    expect(new Set(states())).toEqual(new Set(['starting', 'ready']))
  })

  it('lets what is in flight come to its end', async () => {
    const { http, upstream } = await create((request) => {
      openSession(request)
    })
    upstream.start()
    const connection = await upstream.whenReady()
    const served = connection.request('a', {}, 5000)
    ;(await http.nextPost('a')).result()
    await served
    const result = new Promise<string>((resolve) => {
      const id = connection.requests.add({
        method: 'slow',
        session: 1,
        timeoutMs: 5000,
        resetOnProgress: false,
        onAnswer: ({ bytes }) => {
          resolve(bytes.toString())
        },
        onTimeout: () => 'give-up',
        onLost: resolve,
      })
      connection.send([Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"slow"}`)], { asks: id })
    })
    const slow = await http.nextPost('slow')
    const asked = connection.request('b', {}, 5000)
    ;(await http.nextPost('b')).answer(404)
    await expect(asked).rejects.toThrow()
    expect(await upstream.whenReady()).not.toBe(connection)
    slow.result('done')
    expect(await result).toContain('"done"')
  })

  it('right after it had opened it has failed', async () => {
    const { http, upstream, states } = await create((request) => {
      openSession(request)
    })
    upstream.start()
    const asked = (await upstream.whenReady()).request('a', {}, 5000)
    ;(await http.nextPost('a')).answer(404)
    await expect(asked).rejects.toThrow('it forgets its sessions as soon as it has opened them')
    await waitUntil('it is open again', () => upstream.connection !== undefined)
    expect(states()).toEqual(['starting', 'ready', 'back-off', 'starting', 'ready'])
  })
})

describe('an upstream that forgets one session after the other', () => {
  it('is served as if nothing had happened five times, and left alone for a while then', async () => {
    const { http, upstream, states } = await create((request) => {
      openSession(request)
    })
    upstream.start()
    for (let times = 1; times <= 6; times += 1) {
      const connection = await upstream.whenReady()
      const served = connection.request('a', {}, 5000)
      ;(await http.nextPost('a')).result()
      await served
      const asked = connection.request('b', {}, 5000)
      ;(await http.nextPost('b')).answer(404)
      await expect(asked).rejects.toThrow()
    }
    expect(states().filter((state) => state === 'back-off')).toHaveLength(1)
  })
})

const pathKey = 'a1b2c3d4e5f6a7b8c9d0'

describe('an upstream that cannot be reached', () => {
  it.each<[string, (request: BenchRequest) => unknown]>([
    ['since it is overloaded', (request) => request.answer(503)],
    ['since the connection is cut', (request) => request.cut()],
  ])('is tried again and again, and never given up: %s', async (...[, onOpening]) => {
    const { http, upstream, states } = await create(onOpening)
    upstream.start()
    await waitUntil('it was tried often', () => openings(http) >= 8)
    expect(new Set(states())).toEqual(new Set(['starting', 'back-off']))
  })

  it.each<[string, (request: BenchRequest) => unknown]>([
    ['401', (request) => request.answer(401)],
    ['a page', (request) => request.answer(200, { 'content-type': 'text/html' }, '<p>')],
    ['a refusal', (request) => request.json({ jsonrpc: '2.0', id: 0, error: { code: -1, message: 'no' } })],
  ])('since it does not want us is asked seldom: %s', async (...[, onOpening]) => {
    const { http, upstream } = await create(onOpening)
    upstream.start()
    await waitUntil('it is left alone', () => {
      const { state } = upstream
      return state.state === 'back-off' && state.delayMs === 600_000
    })
    expect(openings(http)).toBe(restart.max + 1)
  })

  it('is left alone for as long as it asks', async () => {
    const { http, upstream } = await create((request) => request.answer(429, { 'retry-after': '30' }))
    upstream.start()
    await waitUntil('it waits', () => upstream.state.state === 'back-off')
    expect(upstream.state).toMatchObject({ state: 'back-off', delayMs: 30_000 })
    expect(openings(http)).toBe(1)
  })

  it('is asked at once when its settings change', async () => {
    const { http, upstream } = await create((request) => request.answer(401))
    upstream.start()
    await waitUntil('it is left alone', () => {
      const { state } = upstream
      return state.state === 'back-off' && state.delayMs === 600_000
    })
    const before = openings(http)
    upstream.adjust({ ...upstream.server, timeouts: { ...upstream.server.timeouts, connectSeconds: 7 } })
    await waitUntil('it is asked again', () => openings(http) > before)
  })

  it('gives reasons without what it was shown, though the server repeats it', async () => {
    const { upstream, entries } = await create(
      (request) =>
        request.answer(
          403,
          { 'content-type': 'application/json' },
          `{"error":{"message":"no plain-1 for s3cr3t (Bearer s3cr3t) nor key-77 at /${pathKey} ${'y'.repeat(160)} ${pathKey}"}}`,
        ),
      { headers: { 'X-Team': 'plain-1', Authorization: 'Bearer s3cr3t' }, query: `/${pathKey}?q=key-77` },
    )
    upstream.start()
    await waitUntil('it is refused', () => upstream.state.state === 'back-off')
    expect(upstream.state).toMatchObject({ reason: expect.stringContaining('no plain-1 for •••') as string })
    expect(JSON.stringify([upstream.state, entries])).not.toMatch(/s3cr3t|key-77|a1b2c3/)
  })
})
