// A server that exits at once, every time: given up after restart.max, with its own words, and then at no cost.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { eventually, readCallError, readNames, time, waitForTool } from '../clients/views.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless } from '../hosts/headless.ts'
import { readCpuTime } from '../hosts/process-usage.ts'
import { PidFile, toTinyEntry } from '../hosts/tiny-server.ts'

it('calls fail at once with a sentence that quotes its stderr; then it is left alone', async () => {
  using pidFile = new PidFile()
  const options = {
    TINY_STDERR: 'Error: the database at /srv/notes is locked',
    TINY_EXIT: '3',
    TINY_PIDS: pidFile.file,
  }
  const restart = { max: 3, delayMs: 20, maxDelayMs: 50, jitter: false }
  const servers = { bad: toTinyEntry(options, { restart }), good: toTinyEntry() }
  await using app = await startHeadless({ config: { servers } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'good__pid')
  await eventually(async () => (await readCallError(client, 'bad__pid')).data).toMatchObject({
    server: 'bad',
    state: 'crash-loop',
  })
  const { value, took } = await time(() => readCallError(client, 'bad__pid'))
  tellFigure('a call to a server in crash loop', took, 'ms')
  expect(took).toBeLessThan(100)
  expect(value.message).toContain('“bad”')
  expect(value.message).toContain('the database at /srv/notes is locked')
  expect(pidFile.read()).toHaveLength(4)
  expect((await readNames(client, 'tools')).filter((name) => name.startsWith('bad__'))).toEqual([])

  // What it costs from now on can only be seen over some time.
  const before = readCpuTime(app.pid)
  await delay(3000)
  const used = readCpuTime(app.pid) - before
  tellFigure('processor time of the app in 3 s of rest', used, 'ms')
  expect(used).toBeLessThan(150)
  expect(pidFile.read()).toHaveLength(4)
  expect(await client.callText('good__echo', { text: 'fine' })).toBe('fine')
})

it('ten such servers at once do not keep a good one from answering', async () => {
  const bad = toTinyEntry(
    { TINY_EXIT: '1' },
    { restart: { max: 20, delayMs: 10, maxDelayMs: 20, jitter: false } },
  )
  const servers = Object.fromEntries([...Array(10).keys()].map((index) => [`bad-${index}`, bad]))
  await using app = await startHeadless({ config: { servers: { ...servers, good: toTinyEntry() } } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'good__pid')
  let slowest = 0
  const readState = async (): Promise<unknown> => {
    const { took } = await time(() => client.callText('good__pid'))
    slowest = Math.max(slowest, took)
    const states = Object.keys(servers).map(
      async (name) => ((await readCallError(client, `${name}__pid`)).data as { state: string }).state,
    )
    return new Set(await Promise.all(states))
  }
  await eventually(readState, { interval: 10, timeout: 30_000 }).toEqual(new Set(['crash-loop']))
  tellFigure('slowest call of the good server meanwhile', slowest, 'ms')
  expect(slowest).toBeLessThan(1000)
})
