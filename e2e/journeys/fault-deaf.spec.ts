// A server that lives on but does not read its stdin any more.
import { describe, expect, it } from 'vitest'
import { measureUntil } from '../clients/latency.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, time, waitForTool } from '../clients/views.ts'
import { median, tellFigure } from '../hosts/figure.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { isRunning } from '../hosts/processes.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

const restart = { delayMs: 100, jitter: false }

function start(entry: JsonObject): Promise<Headless> {
  const deaf = toServerEntry('faulty.ts', {}, { restart, ...entry })
  return startHeadless({ config: { servers: { deaf, good: toTinyEntry() } } })
}

async function openClient(app: Headless): Promise<RawClient> {
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'deaf__deaf')
  await waitForTool(client, 'good__pid')
  return client
}

describe('a server that no longer reads', () => {
  it('a call to it ends with its time-out, and others are answered meanwhile', async () => {
    await using app = await start({ timeouts: { requestSeconds: 2 }, health: { enabled: false } })
    const [client, other] = [await openClient(app), await openClient(app)]
    await client.callText('deaf__deaf')
    let isOver = false
    const call = time(() => readCallError(client, 'deaf__pid')).finally(() => {
      isOver = true
    })
    const times = await measureUntil(() => isOver, other, 'good__echo', { text: 'x' })
    const { value, took } = await call
    tellFigure('from the call to its error (time-out of 2 s)', took, 'ms')
    tellFigure('p50 of another server meanwhile', median(times), 'ms')
    expect(value.data).toMatchObject({ code: 'timed-out', server: 'deaf' })
    expect(took).toBeLessThan(4000)
    expect(median(times)).toBeLessThan(50)
    expect(Math.max(...times)).toBeLessThan(1000)
  })

  it('is replaced when health checks find it silent, and its next process answers', async () => {
    const health = { intervalSeconds: 1, timeoutSeconds: 1, attempts: 2, retryIntervalSeconds: 0.5 }
    await using app = await start({ health })
    const client = await openClient(app)
    const pid = Number(await client.callText('deaf__pid'))
    await client.callText('deaf__deaf')
    const { took } = await time(() => eventually(() => isRunning(pid), { timeout: 20_000 }).toBe(false))
    tellFigure('from the last that it read to its end', took, 'ms')
    await eventually(async () =>
      (await client.request('tools/call', { name: 'deaf__pid' })).raw('result'),
    ).toBeDefined()
  })
})
