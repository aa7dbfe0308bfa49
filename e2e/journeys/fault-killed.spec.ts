// Servers that are killed or stopped from outside.
import { describe, expect, it } from 'vitest'
import { measureCalls, measureUntil } from '../clients/latency.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, time, waitForTool } from '../clients/views.ts'
import { median, tellFigure } from '../hosts/figure.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { isRunning } from '../hosts/processes.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

const restart = { delayMs: 100, jitter: false }
const long = { seconds: 60, text: 'late' }

function start(bad: JsonObject): Promise<Headless> {
  return startHeadless({ config: { servers: { bad, good: toTinyEntry() } } })
}

async function openClient(app: Headless): Promise<RawClient> {
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'bad__pid')
  await waitForTool(client, 'good__pid')
  return client
}

describe('a server that is killed mid-call', () => {
  it('fails the call within 1 s, naming the server, and serves the next one after its restart', async () => {
    await using app = await start(toTinyEntry({}, { restart }))
    const client = await openClient(app)
    const pid = Number(await client.callText('bad__pid'))
    const call = readCallError(client, 'bad__sleep', long)
    await client.callText('bad__pid')
    process.kill(pid, 'SIGKILL')
    const { value, took } = await time(() => call)
    tellFigure('from the kill to the error', took, 'ms')
    expect(took).toBeLessThan(1000)
    expect(value.message).toContain('“bad”')
    const back = await time(() =>
      eventually(async () => (await client.request('tools/call', { name: 'bad__pid' })).error, {
        interval: 10,
      }).toBeUndefined(),
    )
    tellFigure('from the error to the next answer', back.took, 'ms')
    expect(Number(await client.callText('bad__pid'))).not.toBe(pid)
  })

  it('comes back every time of ten in a row, and leaves no process behind', async () => {
    await using app = await start(toTinyEntry({}, { restart: { ...restart, max: 20, maxDelayMs: 100 } }))
    const client = await openClient(app)
    const pids = new Set<number>()
    for (let round = 1; round <= 10; round++) {
      const pid = Number(await client.callText('bad__pid'))
      pids.add(pid)
      process.kill(pid, 'SIGKILL')
      await eventually(async () =>
        (await client.request('tools/call', { name: 'bad__pid' })).raw('result'),
      ).toBeDefined()
    }
    expect(pids.size).toBe(10)
    expect([...pids].filter(isRunning)).toEqual([])
  })
})

describe('a server that is stopped (SIGSTOP)', () => {
  const health = { intervalSeconds: 1, timeoutSeconds: 1, attempts: 2, retryIntervalSeconds: 1 }

  it('is noticed by its health checks and replaced; other servers are as quick as before', async () => {
    await using app = await start(toTinyEntry({}, { restart, health }))
    const client = await openClient(app)
    const before = median(await measureCalls(500, client, 'good__echo', { text: 'x' }))
    const pid = Number(await client.callText('bad__pid'))
    const call = readCallError(client, 'bad__sleep', long)
    await client.callText('bad__pid')
    process.kill(pid, 'SIGSTOP')
    let isNoticed = false
    const noticed = time(() => call).finally(() => {
      isNoticed = true
    })
    const during = median(await measureUntil(() => isNoticed, client, 'good__echo', { text: 'x' }))
    const { value, took } = await noticed
    tellFigure('from the stop to the error', took, 'ms')
    tellFigure('p50 of another server before', before, 'ms')
    tellFigure('p50 of another server meanwhile', during, 'ms')
    expect(took).toBeLessThan(10_000)
    expect(value.message).toContain('“bad”')
    expect(during).toBeLessThan(before * 3 + 2)
    await eventually(async () =>
      (await client.request('tools/call', { name: 'bad__pid' })).raw('result'),
    ).toBeDefined()
    expect(Number(await client.callText('bad__pid'))).not.toBe(pid)
    await eventually(() => isRunning(pid)).toBe(false)
  })

  it('that goes on before it is given up keeps its process and answers what waited', async () => {
    await using app = await start(toTinyEntry({}, { restart, health: { ...health, attempts: 20 } }))
    const client = await openClient(app)
    const pid = Number(await client.callText('bad__pid'))
    process.kill(pid, 'SIGSTOP')
    const call = client.callText('bad__echo', { text: 'waited' })
    // Long enough for checks to have failed.
    await measureUntil(after(2500), client, 'good__pid')
    process.kill(pid, 'SIGCONT')
    expect(await call).toBe('waited')
    expect(Number(await client.callText('bad__pid'))).toBe(pid)
  })
})

/** True once so many milliseconds have passed. */
function after(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds
  return () => performance.now() > end
}
