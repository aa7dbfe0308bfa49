// Health checks: who is asked, what silence leads to, and what a sleep of the computer changes.
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { measureUntil } from '../clients/latency.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, time, waitForTool } from '../clients/views.ts'
import { AppLog, type LogLine } from '../hosts/app-log.ts'
import { Scratch } from '../hosts/built.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { MoodyServer } from '../hosts/moody-server.ts'
import { isRunning } from '../hosts/processes.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'
import type { JsonObject } from '../servers/json-values.ts'
import { readRecord } from '../servers/record.ts'

const restart = { delayMs: 100, jitter: false }
const quick = { intervalSeconds: 0.5, timeoutSeconds: 0.5, attempts: 2, retryIntervalSeconds: 0.2 }
const never = { enabled: false }

async function start(entry: JsonObject): Promise<{ app: Headless; client: RawClient; log: AppLog }> {
  const one = toServerEntry('echo.ts', {}, { restart, ...entry })
  const app = await startHeadless({ config: { servers: { one, good: toTinyEntry() } } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'one__pid')
  await waitForTool(client, 'good__pid')
  return { app, client, log: new AppLog(app.dataDir) }
}

const isSilent = (line: LogLine): boolean =>
  line['server'] === 'one' && line.message === 'The server does not answer.'
const isReady = (line: LogLine): boolean =>
  line['server'] === 'one' && line.message === 'The server is ready.'

describe('a ping', () => {
  it('is sent to a server that is silent, and none to one that talks anyway', async () => {
    using scratch = new Scratch()
    const file = `${scratch.folder}/record`
    const { app, client } = await start({ health: quick, env: { RECORD_FILE: file } })
    await using running = app
    const countPings = (): number => readRecord(file).filter((line) => line.includes('"ping"')).length
    let isOver = false
    const pinging = eventually(countPings).toBeGreaterThanOrEqual(2)
    await pinging
    // For twice the interval it answers calls all the time.
    const before = countPings()
    const talking = measureUntil(() => isOver, client, 'one__echo', { text: 'x' })
    await delay(1500)
    const during = countPings()
    isOver = true
    await talking
    expect(during - before).toBeLessThanOrEqual(1)
    expect(running.stderr).not.toContain('does not answer')
  })

  it('is not sent when health checks are off', async () => {
    using scratch = new Scratch()
    const file = `${scratch.folder}/record`
    const { app } = await start({ health: never, env: { RECORD_FILE: file } })
    await using running = app
    await delay(1500)
    expect(readRecord(file).filter((line) => line.includes('"ping"'))).toEqual([])
    expect(running.stderr).not.toContain('does not answer')
  })
})

describe('a server that falls silent', () => {
  it('is degraded with the first ping that it does not answer, and ready again once it does', async () => {
    const { app, client, log } = await start({ health: { ...quick, attempts: 100 } })
    await using running = app
    const pid = Number(await client.callText('one__pid'))
    const after = log.mark()
    process.kill(pid, 'SIGSTOP')
    const { value, took } = await time(() => log.waitFor(isSilent, { after }))
    tellFigure('from the stop to degraded (interval 0.5 s, time-out 0.5 s)', took, 'ms')
    expect(value.level).toBe('warning')
    expect(value['reason']).toContain('ping')
    const resumed = log.mark()
    process.kill(pid, 'SIGCONT')
    await log.waitFor(isReady, { after: resumed })
    expect(Number(await client.callText('one__pid'))).toBe(pid)
    expect(running.stderr).toContain('does not answer')
  })

  it('is ended and started again after `attempts` pings and `threshold` failed checks', async () => {
    const { app, client } = await start({ health: { ...quick, threshold: 2 } })
    await using running = app
    const pid = Number(await client.callText('one__pid'))
    process.kill(pid, 'SIGSTOP')
    const { took } = await time(() => eventually(() => isRunning(pid)).toBe(false))
    tellFigure('from the stop to the end after two failed checks of two pings', took, 'ms')
    // Four pings of 0.5 s, two pauses of 0.2 s between them, and an interval between the checks.
    expect(took).toBeGreaterThan(2500)
    await eventually(async () =>
      (await client.request('tools/call', { name: 'one__pid' })).raw('result'),
    ).toBeDefined()
    expect(Number(await client.callText('one__pid'))).not.toBe(pid)
    expect(running.stderr).toContain('did not answer a ping')
  })

  it('is not ended while it works on a call that it took when it was well', async () => {
    const servers = { one: toTinyEntry({}, { health: quick }) }
    await using running = await startHeadless({ config: { servers } })
    const client = await running.openSocket()
    await client.initialize()
    const pid = Number(await client.callText('one__pid'))
    expect(await client.callText('one__block', { seconds: 4, text: 'worked' })).toBe('worked')
    expect(Number(await client.callText('one__pid'))).toBe(pid)
    const log = new AppLog(running.dataDir)
    await log.waitFor(isSilent)
    expect(log.read().filter(isReady).length).toBeGreaterThanOrEqual(1)
  })
})

describe('after the app itself was stopped for a while, as when the computer sleeps', () => {
  it('a server that was lost meanwhile is noticed at once', async () => {
    const slow = { intervalSeconds: 600, timeoutSeconds: 1, attempts: 1, retryIntervalSeconds: 1 }
    const { app, client } = await start({ health: slow })
    await using running = app
    const pid = Number(await client.callText('one__pid'))
    process.kill(running.pid, 'SIGSTOP')
    process.kill(pid, 'SIGSTOP')
    await delay(8000)
    process.kill(running.pid, 'SIGCONT')
    const { took } = await time(() => eventually(() => isRunning(pid)).toBe(false))
    tellFigure('from the wake to the end of a server that is silent since', took, 'ms')
    expect(took).toBeLessThan(8000)
    await eventually(async () =>
      (await client.request('tools/call', { name: 'one__pid' })).raw('result'),
    ).toBeDefined()
  })

  it('a server in back-off is started at once', async () => {
    using moody = new MoodyServer('echo.ts')
    const later = { delayMs: 600_000, maxDelayMs: 600_000, jitter: false }
    const servers = { one: moody.toEntry({ restart: later }), good: toTinyEntry() }
    await using app = await startHeadless({ config: { servers } })
    const client = await app.openSocket()
    await client.initialize()
    await waitForTool(client, 'one__crash')
    await client.request('tools/call', { name: 'one__crash' })
    expect(moody.starts).toBe(1)
    process.kill(app.pid, 'SIGSTOP')
    await delay(8000)
    process.kill(app.pid, 'SIGCONT')
    const { took } = await time(() => eventually(() => moody.starts).toBe(2))
    tellFigure('from the wake to the start of a server in back-off', took, 'ms')
    await eventually(async () =>
      (await client.request('tools/call', { name: 'one__pid' })).raw('result'),
    ).toBeDefined()
  })
})
