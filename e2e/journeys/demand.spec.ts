// Servers that run only while somebody wants something of them.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually, readNames, time, waitForChange, waitForTool } from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { isRunning } from '../hosts/processes.ts'
import { PidFile, toTinyEntry } from '../hosts/tiny-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

function start(pidFile: PidFile, entry: JsonObject): Promise<Headless> {
  const lazy = toTinyEntry({ TINY_PIDS: pidFile.file }, entry)
  return startHeadless({ config: { servers: { lazy, eager: toTinyEntry() } } })
}

async function openClient(app: Headless): Promise<RawClient> {
  const client = await app.openSocket()
  await client.initialize()
  return client
}

/** Lets what is known of the server be remembered, then stops the app. */
async function remember(app: Headless): Promise<void> {
  const client = await openClient(app)
  await waitForTool(client, 'lazy__pid')
  await eventually(() => existsSync(path.join(app.dataDir, 'cache/lists/lazy.json'))).toBe(true)
  await app.stop()
}

describe('start: demand', () => {
  it('with nothing remembered, the first tools/list starts it, and list_changed follows', async () => {
    using pidFile = new PidFile()
    await using app = await start(pidFile, { start: 'demand' })
    const client = await openClient(app)
    await client.callText('eager__pid')
    expect(pidFile.read()).toEqual([])
    const after = client.mark()
    await readNames(client, 'tools')
    await waitForChange(client, 'tools', { after })
    await waitForTool(client, 'lazy__pid')
    expect(pidFile.read()).toHaveLength(1)
  })

  it('its lists are there from memory without a start; the first call starts it and is answered', async () => {
    using pidFile = new PidFile()
    await using app = await start(pidFile, { start: 'demand' })
    await remember(app)
    const before = pidFile.read().length
    await app.start()
    const client = await openClient(app)
    expect(await readNames(client, 'tools')).toContain('lazy__pid')
    await waitForTool(client, 'eager__pid')
    expect(await client.callText('eager__echo', { text: 'x' })).toBe('x')
    expect(pidFile.read()).toHaveLength(before)
    const { value, took } = await time(() => client.callText('lazy__pid'))
    tellFigure('first call to a server that has to be started for it', took, 'ms')
    expect(pidFile.read()).toHaveLength(before + 1)
    expect(await client.callText('lazy__pid')).toBe(value)
  })

  it('several calls at once start it once', async () => {
    using pidFile = new PidFile()
    await using app = await start(pidFile, { start: 'demand' })
    const clients = await Promise.all([...Array(5).keys()].map(() => openClient(app)))
    const pids = await Promise.all(clients.map((client) => client.callText('lazy__pid')))
    expect(new Set(pids).size).toBe(1)
    expect(pidFile.read()).toEqual([Number(pids[0])])
  })
})

describe('idleStopSeconds', () => {
  it.each(['eager', 'demand'])(
    'stops it when nobody asks, and the next request starts it (%s)',
    async (when) => {
      using pidFile = new PidFile()
      await using app = await start(pidFile, { start: when, idleStopSeconds: 1 })
      const client = await openClient(app)
      const pid = Number(await client.callText('lazy__pid'))
      const { took } = await time(() => eventually(() => isRunning(pid)).toBe(false))
      tellFigure('from the last answer to its end (idle for 1 s)', took, 'ms')
      expect(took).toBeGreaterThan(800)
      // It is at rest, not failed: its tools stay, and it is not started before somebody wants it.
      expect(await readNames(client, 'tools')).toContain('lazy__pid')
      expect(pidFile.read()).toHaveLength(1)
      expect(Number(await client.callText('lazy__pid'))).not.toBe(pid)
      expect(pidFile.read()).toHaveLength(2)
    },
  )

  it('does not stop it during a call that is longer', async () => {
    using pidFile = new PidFile()
    await using app = await start(pidFile, { idleStopSeconds: 1 })
    const client = await openClient(app)
    const pid = await client.callText('lazy__pid')
    expect(await client.callText('lazy__sleep', { seconds: 2.5, text: 'slept' })).toBe('slept')
    expect(await client.callText('lazy__pid')).toBe(pid)
  })

  it('a call that comes while it is being stopped is answered', async () => {
    using pidFile = new PidFile()
    await using app = await start(pidFile, { idleStopSeconds: 0.05 })
    const client = await openClient(app)
    // The pauses are spread around the moment when it is stopped.
    for (let pause = 0.02; pause < 0.1; pause += 0.004) {
      const text = `after ${pause.toFixed(3)}`
      await client.callText('eager__sleep', { seconds: pause, text })
      expect(await client.callText('lazy__echo', { text })).toBe(text)
    }
    expect(pidFile.read().length).toBeGreaterThan(1)
  })
})

it('startDelayMs: it is started so much later than the app, and a call waits for it', async () => {
  using pidFile = new PidFile()
  await using app = await start(pidFile, { startDelayMs: 1000 })
  const client = await openClient(app)
  const { value, took } = await time(() => client.callText('lazy__pid'))
  tellFigure('first call to a server that starts 1 s after the app', took, 'ms')
  expect(pidFile.read()).toEqual([Number(value)])
  expect(took).toBeGreaterThan(500)
  expect(took).toBeLessThan(3000)
})

it('an eager server that is called before the app has come to start it is started once', async () => {
  using pidFile = new PidFile()
  await using app = await start(pidFile, { isolation: 'shared' })
  const clients = await Promise.all([openClient(app), openClient(app)])
  for (const client of clients) await client.callText('lazy__pid')
  await clients[0].callText('eager__sleep', { seconds: 0.5, text: 'x' })
  expect(pidFile.read()).toHaveLength(1)
})
