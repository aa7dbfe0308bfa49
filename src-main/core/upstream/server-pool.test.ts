import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { isRunning, toScriptServer } from '../../testing/script-server.ts'
import { toServerConfig } from '../../testing/server-config.ts'
import { createUpstreamContext } from '../../testing/upstream-context.ts'
import { createUpstreamRecorder } from '../../testing/upstream-recorder.ts'
import type { ServerConfig } from '../config/config.ts'
import { ServerPool } from './server-pool.ts'
import type { Upstream } from './upstream.ts'

/** Has one tool, named after its process; answers `pid`, never `wait`, and exits by `crash`. */
const transport = toScriptServer(`
  function onMessage(message) {
    if (message.method === 'initialize') answer(message, { ...opening, capabilities: { tools: {} } })
    if (message.method === 'tools/list') answer(message, { tools: [{ name: 'tool-' + process.pid }] })
    if (message.method === 'pid') answer(message, process.pid)
    if (message.method === 'crash') process.exit(9)
  }
`)

const pools: ServerPool[] = []

async function create(changes: Partial<ServerConfig> = {}, folder?: string) {
  const { logger, entries } = createLogRecorder()
  const recorder = createUpstreamRecorder()
  const dataFolder = folder ?? (await makeScratchFolder())
  const context = createUpstreamContext(dataFolder, logger, { messageBytes: 1_000_000 })
  const pool = new ServerPool(toServerConfig(transport, changes), context, recorder.listener)
  pools.push(pool)
  return { pool, dataFolder, warnings: () => entries.filter(({ level }) => level === 'warning'), ...recorder }
}

async function readPid(upstream: Upstream): Promise<number> {
  const { bytes, result } = await (await upstream.whenReady()).request('pid', {}, 20_000)
  return Number(bytes.toString('latin1', result?.start, result?.end))
}

const gone = (pid: number) =>
  vi.waitFor(() => {
    expect(isRunning(pid)).toBe(false)
  }, patience)

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

describe('a pool that is shared', { timeout: 30_000 }, () => {
  it('starts the shared one with the first call when nobody did before', async () => {
    const { pool } = await create({ isolation: 'shared' })
    expect(pool.find(1)).toBeUndefined()
    const upstream = pool.acquire(1)
    await upstream.whenReady()
    expect(pool.acquire(2) === upstream).toBe(true)
    expect(pool.ownerOf(upstream)).toBeUndefined()
    pool.release(1)
    expect(pool.find(2) === upstream).toBe(true)
  })

  it('has one upstream for all sessions, which stays when they go', async () => {
    const { pool } = await create({ isolation: 'shared' })
    pool.start()
    const upstream = pool.acquire(1)
    expect(pool.acquire(2)).toBe(upstream)
    const pid = await readPid(upstream)
    pool.release(1)
    pool.release(2)
    expect(pool.upstreams).toEqual([upstream])
    expect(pool.find(3)).toBe(upstream)
    expect(pool.ownerOf(upstream)).toBeUndefined()
    expect(isRunning(pid)).toBe(true)
  })

  it('stays so whatever the server asks', async () => {
    const { pool } = await create({ isolation: 'shared' })
    pool.start()
    const upstream = pool.acquire(1)
    expect(pool.learnAsks(upstream, 1)).toBe(false)
    expect(pool.isPerSession).toBe(false)
    pool.retireIfIdle(upstream)
    expect(pool.acquire(2)).toBe(upstream)
  })

  it('uses the upstream that was started before anybody came, and tells nobody of an adoption', async () => {
    const { pool, told } = await create({ isolation: 'shared' })
    pool.start()
    const [upstream] = pool.upstreams
    expect(pool.acquire(1)).toBe(upstream)
    await upstream?.whenListed()
    expect(told.filter((line) => line.startsWith('adopted'))).toEqual([])
  })

  it('does not start one again that stopped for a reason, until somebody asks for it', async () => {
    const { pool } = await create({
      isolation: 'shared',
      restart: { enabled: false, max: 5, windowSeconds: 300, delayMs: 1, maxDelayMs: 1, jitter: false },
    })
    pool.start()
    const upstream = pool.acquire(1)
    const connection = await upstream.whenReady()
    await expect(connection.request('crash', {}, 20_000)).rejects.toThrow()
    expect(pool.acquire(2)).toBe(upstream)
    expect(pool.stateFor(2)).toEqual({ state: 'stopped', reason: 'it exited with code 9', stays: true })
  })
})

describe('a pool with one upstream per session', { timeout: 30_000 }, () => {
  it('gives each session its own and ends its process when the session ends', async () => {
    const { pool } = await create({ isolation: 'session' })
    const [one, two] = [pool.acquire(1), pool.acquire(2)]
    expect(one).not.toBe(two)
    expect([pool.acquire(1), pool.find(2), pool.ownerOf(two)]).toEqual([one, two, 2])
    const [first, second] = await Promise.all([readPid(one), readPid(two)])
    expect(first).not.toBe(second)
    pool.release(1)
    await gone(first)
    expect(pool.upstreams).toEqual([two])
    expect(isRunning(second)).toBe(true)
  })

  it('lets the first session adopt the one that was started before, and tells so once', async () => {
    const { pool, told } = await create({ isolation: 'session' })
    pool.start()
    const [started] = pool.upstreams
    expect(pool.acquire(5)).toBe(started)
    pool.acquire(5)
    expect(pool.acquire(6)).not.toBe(started)
    expect(told.filter((line) => line.startsWith('adopted'))).toEqual(['adopted 5'])
  })

  it('shows each session its own lists, and those known last to one that has none yet', async () => {
    const { pool } = await create({ isolation: 'session' })
    const [one, two] = [pool.acquire(1), pool.acquire(2)]
    await one.whenListed()
    await two.whenListed()
    const namesFor = (session: number) => pool.listsFor(session).tools.map(({ key }) => key)
    expect(namesFor(1)).toEqual([`tool-${await readPid(one)}`])
    expect(namesFor(2)).toEqual([`tool-${await readPid(two)}`])
    expect([namesFor(1), namesFor(2)]).toContainEqual(namesFor(3))
  })

  it('tells the state of the upstream that a session has, else the last one told', async () => {
    const { pool } = await create({ isolation: 'session' })
    expect(pool.stateFor(1)).toEqual({ state: 'stopped' })
    await pool.acquire(1).whenReady()
    const other = pool.acquire(2)
    expect(pool.stateFor(1)).toEqual({ state: 'ready' })
    expect(pool.stateFor(3)).toEqual({ state: 'starting', attempt: 1 })
    await other.whenReady()
    expect(pool.stateFor(3)).toEqual({ state: 'ready' })
  })
})

describe('a pool that decides by itself', { timeout: 30_000 }, () => {
  it('goes over to one upstream per session with the first question; the asking session keeps the running one', async () => {
    const { pool, told } = await create()
    pool.start()
    const upstream = pool.acquire(1)
    expect(pool.acquire(2)).toBe(upstream)
    expect(pool.learnAsks(upstream, 1)).toBe(true)
    expect(pool.learnAsks(upstream, 2)).toBe(false)
    expect([pool.isPerSession, pool.ownerOf(upstream)]).toEqual([true, 1])
    expect(pool.acquire(1)).toBe(upstream)
    expect(pool.find(2)).toBeUndefined()
    expect(pool.acquire(2)).not.toBe(upstream)
    expect(told.filter((line) => line.startsWith('adopted'))).toEqual([])
  })

  it('keeps the shared one for those who use it until nothing is in flight, when nobody is known to be asked', async () => {
    const { pool } = await create()
    pool.start()
    const upstream = pool.acquire(1)
    pool.acquire(2)
    const pid = await readPid(upstream)
    const connection = await upstream.whenReady()
    const waiting = connection.request('wait', {}, 60_000)
    pool.retireIfIdle(upstream)
    expect(pool.upstreams).toEqual([upstream])
    pool.learnAsks(upstream, undefined)
    expect(pool.find(1)).toBeUndefined()
    pool.retireIfIdle(upstream)
    expect(pool.upstreams).toEqual([upstream])
    for (const request of connection.requests.takeAll()) request.onLost('it was taken back')
    await expect(waiting).rejects.toThrow('it was taken back')
    pool.retireIfIdle(upstream)
    pool.retireIfIdle(upstream)
    expect(pool.upstreams).toEqual([])
    await gone(pid)
  })

  it('lets a session that alone had calls on the shared one go on with it', async () => {
    const { pool, told } = await create()
    pool.start()
    const upstream = pool.acquire(1)
    pool.learnAsks(upstream, undefined)
    expect(pool.acquire(1)).toBe(upstream)
    expect(told).toContain('adopted 1')
    pool.retireIfIdle(upstream)
    expect(pool.upstreams).toEqual([upstream])
  })

  it('keeps one that nobody has used yet for whoever comes', async () => {
    const { pool } = await create()
    pool.start()
    const [upstream] = pool.upstreams
    await upstream?.whenReady()
    pool.learnAsks(upstream!, undefined)
    pool.retireIfIdle(upstream!)
    expect(pool.upstreams).toEqual([upstream])
    expect(pool.acquire(1)).toBe(upstream)
  })
})

describe('what a pool remembers', { timeout: 30_000 }, () => {
  it('is there when Patchbay runs again: lists, opening, and whether the server asks', async () => {
    const first = await create()
    const upstream = first.pool.acquire(1)
    await upstream.whenListed()
    first.pool.learnAsks(upstream, 1)
    await first.pool.close()
    const second = await create({}, first.dataFolder)
    expect([second.pool.initialize, second.pool.offers('tools'), second.pool.isPerSession]).toEqual([
      undefined,
      false,
      false,
    ])
    await second.pool.recall()
    expect(second.pool.initialize).toEqual(first.pool.initialize)
    expect(second.pool.listsFor(1)).toEqual(upstream.lists)
    expect([second.pool.offers('tools'), second.pool.offers('prompts'), second.pool.isPerSession]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('is on disk when the pool is closed', async () => {
    const first = await create()
    const upstream = first.pool.acquire(1)
    await upstream.stop()
    first.pool.learnAsks(upstream, 1)
    await first.pool.close()
    const second = await create({}, first.dataFolder)
    await second.pool.recall()
    expect(second.pool.isPerSession).toBe(true)
  })

  it('is nothing, with a word in the log, when the file is broken', async () => {
    const { pool, dataFolder, warnings } = await create()
    const folder = path.join(dataFolder, 'cache', 'lists')
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'files.json'), '{"version":1,')
    await pool.recall()
    expect(warnings().map(({ fields }) => fields['server'])).toEqual(['files'])
    expect(pool.listsFor(1).tools).toEqual([])
    await pool.acquire(1).whenListed()
    await pool.close()
    const text = await readFile(path.join(folder, 'files.json'), 'utf8')
    expect(JSON.parse(text)).toHaveProperty('tools.0.name')
  })

  it('does without a file, with a word in the log, when it cannot be written', async () => {
    const { pool, dataFolder, warnings } = await create()
    await writeFile(path.join(dataFolder, 'cache'), '')
    await pool.acquire(1).whenListed()
    await pool.close()
    expect(warnings().length).toBeGreaterThan(0)
    expect(pool.listsFor(1).tools).toHaveLength(1)
  })
})

describe('closing a pool', { timeout: 30_000 }, () => {
  it('ends all its processes before it is done', async () => {
    const { pool } = await create({ isolation: 'session' })
    const pids = await Promise.all([readPid(pool.acquire(1)), readPid(pool.acquire(2))])
    pool.release(1)
    await pool.close()
    expect(pids.map(isRunning)).toEqual([false, false])
    expect(pool.upstreams).toEqual([])
  })
})
