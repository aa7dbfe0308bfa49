// The app is killed and started again on the same data folder: its old servers are ended, and nobody else's processes.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually, readCallError, time, waitForTool } from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { findDescendants, isRunning } from '../hosts/processes.ts'
import { PidFile, toTinyEntry } from '../hosts/tiny-server.ts'
import { parseObject, type JsonObject } from '../servers/json-values.ts'

/** A process that is none of Patchbay's. */
class Bystander implements Disposable {
  readonly #child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })

  get pid(): number {
    return this.#child.pid!
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}

/** The files in which the app notes its children, with what they say. */
function readRecords(app: Headless): { file: string; record: JsonObject }[] {
  const folder = path.join(app.dataDir, 'run/children')
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.map((name) => {
    const file = path.join(folder, name)
    return { file, record: parseObject(readFileSync(file)) }
  })
}

async function openClient(app: Headless, open: () => RawClient | Promise<RawClient>): Promise<RawClient> {
  const client = await open()
  await client.initialize()
  for (const server of Object.keys(readServers(app))) await waitForTool(client, `${server}__pid`)
  return client
}

function readServers(app: Headless): JsonObject {
  return parseObject(readFileSync(app.configFile))['servers'] as JsonObject
}

describe('after a SIGKILL of the app, its next start', () => {
  const kinds = [
    { what: 'ignore the end of stdin and TERM', options: { TINY_STUBBORN: 'yes' } },
    { what: 'left a child in their process group', options: { TINY_FORK: 'group' } },
    { what: 'left a child in a session of its own', options: { TINY_FORK: 'session' } },
    { what: 'are stubborn and have both', options: { TINY_STUBBORN: 'yes', TINY_FORK: 'group session' } },
  ]

  it.each(kinds)('ends old servers that $what, and new ones run', async ({ what, options }) => {
    using pidFile = new PidFile()
    const entry = toTinyEntry({ ...options, TINY_PIDS: pidFile.file })
    await using app = await startHeadless({ config: { servers: { one: entry, two: entry } } })
    await openClient(app, () => app.openSocket())
    const old = pidFile.read()
    await app.kill()
    // Those that only wait for their stdin are gone by themselves; the rest is what this is about.
    const left = old.filter(isRunning)
    expect(left.length).toBeGreaterThanOrEqual(2)
    const { took } = await time(async () => {
      await app.start()
      await eventually(() => old.filter(isRunning)).toEqual([])
    })
    tellFigure(`from the start to the end of ${left.length} orphans that ${what}`, took, 'ms')
    const client = await openClient(app, () => app.openSocket())
    for (const server of ['one', 'two'])
      expect(old).not.toContain(Number(await client.callText(`${server}__pid`)))
    await app.stop()
    expect(pidFile.readRunning()).toEqual([])
  })

  it('is not held up by them, and shims are back within 5 s of it', async () => {
    using pidFile = new PidFile()
    const entry = toTinyEntry({ TINY_STUBBORN: 'yes', TINY_FORK: 'group session', TINY_PIDS: pidFile.file })
    const servers = Object.fromEntries([...Array(6).keys()].map((index) => [`server-${index}`, entry]))
    await using app = await startHeadless({ config: { servers } })
    const shims = [await openClient(app, () => app.openShim()), await openClient(app, () => app.openShim())]
    const calls = shims.map((shim) => readCallError(shim, 'server-0__sleep', { seconds: 60, text: 'late' }))
    for (const shim of shims) await shim.callText('server-0__pid')
    const old = pidFile.read()
    await app.kill()
    const { took } = await time(async () => {
      await app.start()
      for (const [index, shim] of shims.entries()) {
        const text = `shim ${index}`
        expect(await shim.callText('server-5__echo', { text })).toBe(text)
      }
    })
    tellFigure('from the start to the first answers through both shims', took, 'ms')
    expect(took).toBeLessThan(5000)
    for (const error of await Promise.all(calls)) expect(error.message).toMatch(/restarted|lost/)
    await eventually(() => old.filter(isRunning)).toEqual([])
    // A call that came before all were started has not led to two of them.
    for (const server of Object.keys(servers)) await shims[0]!.callText(`${server}__pid`)
    expect(pidFile.readRunning()).toHaveLength(3 * Object.keys(servers).length)
  })

  it('leaves a process alone that was given the id of an old server', async () => {
    using bystander = new Bystander()
    await using app = await startHeadless({ config: { servers: { one: toTinyEntry(), two: toTinyEntry() } } })
    await openClient(app, () => app.openSocket())
    await eventually(() => readRecords(app)).toHaveLength(2)
    const old = findDescendants(app.pid)
    await app.kill()
    // These servers end with their stdin: what is left are the records.
    await eventually(() => old.filter(isRunning)).toEqual([])
    const records = readRecords(app)
    expect(records.map(({ record }) => record['pid']).sort()).toEqual(old.sort())
    for (const { file, record } of records)
      writeFileSync(file, JSON.stringify({ ...record, pid: bystander.pid }))
    await app.start()
    await openClient(app, () => app.openSocket())
    await eventually(() => readRecords(app).map(({ record }) => record['pid'])).not.toContain(bystander.pid)
    expect(isRunning(bystander.pid)).toBe(true)
  })

  it('leaves the servers of another data folder alone, even when they have the same configuration', async () => {
    using pidFile = new PidFile()
    const servers = { one: toTinyEntry({ TINY_STUBBORN: 'yes', TINY_PIDS: pidFile.file }) }
    await using app = await startHeadless({ config: { servers } })
    await using other = await startHeadless({ config: { servers } })
    const client = await openClient(other, () => other.openSocket())
    await openClient(app, () => app.openSocket())
    const theirs = await client.callText('one__pid')
    const old = pidFile.read().filter((pid) => pid !== Number(theirs))
    await app.kill()
    await app.start()
    await eventually(() => old.filter(isRunning)).toEqual([])
    expect(await client.callText('one__pid')).toBe(theirs)
  })

  it('copes with records that are broken', async () => {
    await using app = await startHeadless({ config: { servers: { one: toTinyEntry() } } })
    await openClient(app, () => app.openSocket())
    await eventually(() => readRecords(app)).toHaveLength(1)
    await app.kill()
    const [record] = readRecords(app)
    const folder = path.dirname(record!.file)
    for (const [name, text] of [
      ['empty.json', ''],
      ['half.json', '{"version":1,"pid":'],
      ['odd.json', '{"version":1,"pid":-1,"startedAt":7,"mark":null}'],
      ['ours.json', JSON.stringify({ ...record!.record, pid: process.pid })],
    ] as const)
      writeFileSync(path.join(folder, name), text)
    await app.start()
    const client = await openClient(app, () => app.openSocket())
    expect(await client.callText('one__echo', { text: 'fine' })).toBe('fine')
    await eventually(() => readRecords(app)).toHaveLength(1)
  })
})

it('an app that stops in order leaves no record', async () => {
  await using app = await startHeadless({ config: { servers: { one: toTinyEntry(), two: toTinyEntry() } } })
  await openClient(app, () => app.openSocket())
  // For a moment the shell that is asked for its PATH is noted, too.
  await eventually(() => readRecords(app)).toHaveLength(2)
  await app.stop()
  expect(readRecords(app)).toEqual([])
})
