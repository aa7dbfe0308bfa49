// Where nothing can be written, serving goes on, and that is said once.
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { measureCalls } from '../clients/latency.ts'
import { eventually, readNames, time, waitForTool } from '../clients/views.ts'
import { tellFigure } from '../hosts/figure.ts'
import { Headless, toServerEntry } from '../hosts/headless.ts'
import { canMount, SmallDisk } from '../hosts/small-disk.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'

const servers = {
  echo: toServerEntry('echo.ts', {}, { restart: { delayMs: 100, jitter: false } }),
  tiny: toTinyEntry(),
}
const longWait = { timeout: 30_000, interval: 100 }

async function openClient(app: Headless, name = 'raw-client'): Promise<RawClient> {
  const client = await app.openSocket({ client: name })
  await client.initialize()
  await waitForTool(client, 'echo__stderr')
  await waitForTool(client, 'tiny__pid')
  return client
}

/** Makes everything happen of which the app would write something down. */
async function makeNoise(app: Headless, client: RawClient, label: string): Promise<void> {
  for (let number = 1; number <= 50; number++)
    await client.callText('echo__stderr', { text: `${label} line ${number}` })
  await client.callText('echo__add-tool', { name: `tool-of-${label}` })
  await waitForTool(client, `echo__tool-of-${label}`)
  for (let number = 1; number <= 5; number++) {
    const visitor = await openClient(app, `visitor ${number} of ${label}`)
    expect(await visitor.callText('tiny__echo', { text: 'hello' })).toBe('hello')
    await visitor.close()
  }
}

/** Complaints of the app on stderr, without their time. */
function readComplaints(app: Headless, after: number): string[] {
  const lines = app.stderr.slice(after).split('\n')
  return lines.filter((line) => /^\S+ (warning|error) /.test(line)).map((line) => line.replace(/^\S+ /, ''))
}

function readLog(app: Headless, name: string): string {
  const file = path.join(app.dataDir, 'logs', name)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const isMountable = canMount()
if (!isMountable)
  process.stderr.write('No file system can be mounted here: the tests of a full disk are skipped.\n')

describe.skipIf(!isMountable)('a data folder on a disk of 2 MiB that gets full', () => {
  it(
    'calls go on, it is said once, and with room again logs are written again',
    { timeout: 120_000 },
    async () => {
      await using app = new Headless({ config: { servers } })
      using disk = new SmallDisk(app.dataDir, 2)
      try {
        await app.start()
        const client = await openClient(app)
        await makeNoise(app, client, 'before')
        await eventually(() => readLog(app, 'echo/server.log')).toContain('before line 50')
        const said = app.stderr.length

        disk.fill()
        await makeNoise(app, client, 'full')
        const { took } = await time(() => measureCalls(500, client, 'tiny__echo', { text: 'x' }))
        tellFigure('500 calls while the disk is full', took, 'ms')
        await eventually(() => readComplaints(app, said).join('\n')).toMatch(/ENOSPC|no space|full/i)
        await makeNoise(app, client, 'still-full')
        const complaints = readComplaints(app, said)
        expect(new Set(complaints).size, complaints.join('\n')).toBe(complaints.length)
        expect(complaints.length, complaints.join('\n')).toBeLessThan(8)

        disk.free()
        const back = await time(async () => {
          let round = 0
          await eventually(async () => {
            await client.callText('echo__stderr', { text: `room ${++round}` })
            await (await openClient(app, `visitor in room ${round}`)).close()
            return [
              /\[STDERR\] room \d+\n/.test(readLog(app, 'echo/server.log')),
              readLog(app, 'app.log').includes('visitor in room'),
            ]
          }, longWait).toEqual([true, true])
        })
        tellFigure('from the room to the first lines in both logs', back.took / 1000, 's')
        // A line may have been cut when the room ended, but it is not in one with a later one, and all others are whole.
        const lines = readLog(app, 'app.log').trimEnd().split('\n')
        expect(lines.filter((line) => line.lastIndexOf('{"time"') > 0)).toEqual([])
        expect(lines.filter((line) => !line.endsWith('}')).length).toBeLessThan(3)
      } finally {
        await app.stop()
      }
    },
  )

  it('a server that crashes meanwhile is started again and answers', async () => {
    await using app = new Headless({ config: { servers } })
    using disk = new SmallDisk(app.dataDir, 2)
    try {
      await app.start()
      const client = await openClient(app)
      disk.fill()
      await client.request('tools/call', { name: 'echo__crash' })
      await eventually(async () =>
        (await client.request('tools/call', { name: 'echo__pid' })).raw('result'),
      ).toBeDefined()
      expect(await readNames(client, 'tools')).toContain('echo__echo')
    } finally {
      await app.stop()
    }
  })
})

const nobody = 65_534

/** An app of a user without rights, whose data folder is his, but not what is named in it. */
async function startAsNobody(closed: readonly string[]): Promise<Headless> {
  const app = new Headless({ config: { servers }, user: nobody })
  chmodSync(app.folder, 0o755)
  for (const folder of [app.dataDir, path.join(app.dataDir, 'run')]) {
    mkdirSync(folder, { mode: 0o700 })
    chownSync(folder, nobody, nobody)
  }
  for (const name of closed) mkdirSync(path.join(app.dataDir, name), { mode: 0o755 })
  try {
    await app.start()
    return app
  } catch (error) {
    await app.dispose()
    throw error
  }
}

describe.skipIf(process.getuid?.() !== 0)('a user who may not write', () => {
  it.each([[['logs']], [['cache']], [['run/children']], [['logs', 'cache', 'run/children']]])(
    '%s of the data folder is served all the same, and told once',
    async (closed) => {
      await using app = await startAsNobody(closed)
      const client = await openClient(app)
      await makeNoise(app, client, 'first')
      await makeNoise(app, client, 'second')
      expect(await client.callText('echo__echo', { text: 'fine' })).toBe('fine')
      const lines = app.stderr.split('\n').filter((line) => /EACCES|denied|may not write/.test(line))
      expect(lines.length).toBeGreaterThan(0)
      const complaints = lines.map((line) => line.replace(/^\d\S+Z /, ''))
      expect(new Set(complaints).size, complaints.join('\n')).toBe(complaints.length)
    },
  )

  it('the folder of the configuration has its changes applied all the same', async () => {
    await using app = await startAsNobody([])
    const client = await openClient(app)
    app.writeConfig({ servers: { ...servers, more: toTinyEntry() } })
    await waitForTool(client, 'more__pid')
    expect(app.stderr).not.toMatch(/EACCES|denied|may not write/)
  })
})

it('logs and cache that are removed while the app runs are made again', { timeout: 60_000 }, async () => {
  await using app = new Headless({ config: { servers } })
  await app.start()
  const client = await openClient(app)
  await makeNoise(app, client, 'before')
  await eventually(() => readLog(app, 'echo/server.log')).toContain('before line 50')
  for (const name of ['logs', 'cache']) rmSync(path.join(app.dataDir, name), { recursive: true })
  let round = 0
  await eventually(async () => {
    await makeNoise(app, client, `again-${++round}`)
    return [
      /again-\d+ line/.test(readLog(app, 'echo/server.log')),
      readLog(app, 'app.log').includes('of again'),
    ]
  }, longWait).toEqual([true, true])
  await eventually(() => existsSync(path.join(app.dataDir, 'cache/lists/echo.json'))).toBe(true)
})
