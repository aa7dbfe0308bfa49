// The configuration is changed while the app runs: what changed is taken on, and nothing else is touched.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, readNames, time, waitForChange, waitForTool } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { isRunning } from '../hosts/processes.ts'
import { PidFile, toTinyEntry } from '../hosts/tiny-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

interface Opened {
  readonly app: Headless
  readonly client: RawClient
  readonly log: AppLog
}

async function open(config: JsonObject): Promise<Opened> {
  const app = await startHeadless({ config })
  const client = await app.openSocket()
  await client.initialize()
  for (const server of Object.keys(config['servers'] as JsonObject))
    await waitForTool(client, `${server}__pid`)
  return { app, client, log: new AppLog(app.dataDir) }
}

/** Writes a configuration and waits until the app has taken it on. */
async function change({ app, log }: Opened, config: JsonObject): Promise<void> {
  const after = log.mark()
  app.writeConfig(config)
  await log.waitForReload(after)
}

const tiny = toTinyEntry()

describe('a change of the configuration', () => {
  it('is applied within a second or so, and two clients hear of the new tools', async () => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    const other = app.openShim()
    await other.initialize()
    await waitForTool(other, 'one__pid')
    const clients = [opened.client, other]
    const marks = clients.map((client) => client.mark())
    const { took } = await time(() => change(opened, { servers: { one: tiny, two: tiny } }))
    tellFigure('from the write to the change', took, 'ms')
    expect(took).toBeLessThan(1500)
    for (const [index, client] of clients.entries()) {
      await waitForChange(client, 'tools', { after: marks[index]! })
      await waitForTool(client, 'two__pid')
      expect(await client.callText('two__echo', { text: 'hello' })).toBe('hello')
    }
  })

  it('that a running server can take on leaves its process alone', async () => {
    const opened = await open({ servers: { one: tiny, two: tiny } })
    await using app = opened.app
    const { client } = opened
    const [one, two] = [await client.callText('one__pid'), await client.callText('two__pid')]
    const tools = { disabled: ['echo'] }
    const timeouts = { requestSeconds: 1 }
    const health = { intervalSeconds: 5 }
    const changed = { ...tiny, tools, timeouts, health, start: 'demand', idleStopSeconds: 60 }
    await change(opened, { servers: { two: tiny, one: changed } })
    const names = await readNames(client, 'tools')
    expect(names).not.toContain('one__echo')
    expect(names.indexOf('two__pid')).toBeLessThan(names.indexOf('one__pid'))
    expect((await readCallError(client, 'one__echo', { text: 'x' })).message).toContain('switched off')
    const late = await readCallError(client, 'one__sleep', { seconds: 30, text: 'late' })
    expect(late.data).toMatchObject({ code: 'timed-out', server: 'one' })
    expect([await client.callText('one__pid'), await client.callText('two__pid')]).toEqual([one, two])
    await change(opened, {
      servers: { two: tiny, one: tiny },
      gateway: { naming: 'mcp__proxy__server__tool' },
    })
    expect(await client.callText('mcp__proxy__one__pid')).toBe(one)
    expect(app.stderr).not.toContain('is stopped')
  })

  it.each<{ what: string; changed: JsonObject }>([
    { what: 'its environment', changed: toTinyEntry({ TINY_NAME: 'other' }) },
    { what: 'its arguments', changed: { ...tiny, args: [...(tiny['args'] as string[]), 'more'] } },
    { what: 'its command', changed: { ...tiny, command: '/bin/sh' } },
    { what: 'its folder', changed: { ...tiny, cwd: '/' } },
    { what: 'its isolation', changed: { ...tiny, isolation: 'session' } },
  ])('of $what starts a server anew, and no other', async ({ changed }) => {
    const opened = await open({ servers: { one: tiny, two: tiny } })
    await using app = opened.app
    const { client } = opened
    const [one, two] = [await client.callText('one__pid'), await client.callText('two__pid')]
    await change(opened, { servers: { one: changed, two: tiny } })
    expect(await client.callText('one__pid')).not.toBe(one)
    expect(await client.callText('two__pid')).toBe(two)
    await eventually(() => isRunning(Number(one))).toBe(false)
    expect(isRunning(app.pid)).toBe(true)
  })

  it('switches a server off and on again', async () => {
    const opened = await open({ servers: { one: tiny, two: tiny } })
    await using app = opened.app
    const { client } = opened
    const one = Number(await client.callText('one__pid'))
    await change(opened, { servers: { one: { ...tiny, enabled: false }, two: tiny } })
    await eventually(() => isRunning(one)).toBe(false)
    expect(await readNames(client, 'tools')).not.toContain('one__pid')
    expect((await readCallError(client, 'one__pid')).message).toContain('one')
    await change(opened, { servers: { one: tiny, two: tiny } })
    expect(Number(await client.callText('one__pid'))).not.toBe(one)
    expect(isRunning(app.pid)).toBe(true)
  })

  it('may come by the dozen in no time: the last one holds', async () => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    for (let number = 1; number <= 30; number++)
      app.writeConfig({ servers: { one: toTinyEntry({ TINY_TOOLS: `tool-${number}` }) } })
    await waitForTool(opened.client, 'one__tool-30')
    expect(await opened.client.callText('one__tool-30')).toBe('tool-30')
    const pid = await opened.client.callText('one__pid')
    await change(opened, { servers: { one: toTinyEntry({ TINY_TOOLS: 'tool-30' }), two: tiny } })
    expect(await opened.client.callText('one__pid')).toBe(pid)
  })

  it('may come by a rename, as editors do it, and after the file was gone for a while', async () => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    const { client, log } = opened
    const one = await client.callText('one__pid')
    const write = (servers: JsonObject): void => {
      writeFileSync(`${app.configFile}.new`, JSON.stringify({ version: 1, servers }))
      renameSync(`${app.configFile}.new`, app.configFile)
    }
    let after = log.mark()
    write({ one: tiny, two: tiny })
    await log.waitForReload(after)
    after = log.mark()
    rmSync(app.configFile)
    await log.waitFor((line) => line.level === 'warning' || line.level === 'error', { after })
    expect(await client.callText('two__echo', { text: 'still here' })).toBe('still here')
    after = log.mark()
    write({ one: tiny, three: tiny })
    await log.waitForReload(after)
    expect(await client.callText('one__pid')).toBe(one)
    expect(await client.callText('three__echo', { text: 'new' })).toBe('new')
    await eventually(() => readNames(client, 'tools')).not.toContain('two__pid')
  })

  it.each(['', '\n', '{}x'])('to an empty or half-written file (%j) stops nothing', async (text) => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    const { client, log } = opened
    const one = await client.callText('one__pid')
    const after = log.mark()
    writeFileSync(app.configFile, text)
    await log.waitFor((line) => line.level === 'warning' || line.level === 'error', { after })
    expect(await client.callText('one__pid')).toBe(one)
  })
})

describe('calls in flight', () => {
  it('on a server that is changed come to their end, and the next call goes to its new process', async () => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    const { client } = opened
    const before = await client.callText('one__pid')
    const call = client.callText('one__sleep', { seconds: 2, text: 'slept' })
    await client.callText('one__pid')
    await change(opened, { servers: { one: toTinyEntry({ TINY_NAME: 'other' }) } })
    const next = client.callText('one__pid')
    expect(await call).toBe('slept')
    expect(await next).not.toBe(before)
    expect(isRunning(app.pid)).toBe(true)
  })

  it('on a server that is removed come to their end too; later ones are refused at once', async () => {
    const opened = await open({ servers: { one: tiny, two: tiny } })
    await using app = opened.app
    const { client } = opened
    const pid = Number(await client.callText('one__pid'))
    const call = client.callText('one__sleep', { seconds: 2, text: 'slept' })
    await client.callText('one__pid')
    await change(opened, { servers: { two: tiny } })
    const { value, took } = await time(() => readCallError(client, 'one__pid'))
    expect(value.message).toContain('one__pid')
    expect(took).toBeLessThan(1000)
    expect(await call).toBe('slept')
    await eventually(() => isRunning(pid)).toBe(false)
    expect(isRunning(app.pid)).toBe(true)
  })

  it('that take longer than 5 s end with an error that names the server', async () => {
    const opened = await open({ servers: { one: tiny } })
    await using app = opened.app
    const { client } = opened
    const call = readCallError(client, 'one__sleep', { seconds: 60, text: 'late' })
    await client.callText('one__pid')
    const { value, took } = await time(async () => {
      await change(opened, { servers: { one: toTinyEntry({ TINY_NAME: 'other' }) } })
      return call
    })
    tellFigure('from the change to the end of a call that would take a minute', took, 'ms')
    expect(value.message).toContain('“one”')
    expect(took).toBeGreaterThan(4000)
    expect(took).toBeLessThan(8000)
    expect(await client.callText('one__echo', { text: 'new' })).toBe('new')
    expect(isRunning(app.pid)).toBe(true)
  })
})

it('a stubborn server that is removed is gone within 10 s, with all that it started', async () => {
  using pidFile = new PidFile()
  const options = { TINY_STUBBORN: 'yes', TINY_FORK: 'group session', TINY_PIDS: pidFile.file }
  const opened = await open({ servers: { one: toTinyEntry(options), two: tiny } })
  await using app = opened.app
  expect(pidFile.readRunning()).toHaveLength(3)
  await change(opened, { servers: { two: tiny } })
  const { took } = await time(() => eventually(() => pidFile.readRunning()).toEqual([]))
  tellFigure('from its removal to the end of a stubborn server', took, 'ms')
  expect(isRunning(app.pid)).toBe(true)
})
