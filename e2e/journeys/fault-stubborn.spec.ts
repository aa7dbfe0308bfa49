// Servers that do not want to go: stdin's end and TERM mean nothing to them, nor to what they started.
import { describe, expect, it } from 'vitest'
import { eventually, readCallError, time, waitForTool } from '../clients/views.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless } from '../hosts/headless.ts'
import { findDescendants, isRunning } from '../hosts/processes.ts'
import { PidFile, toTinyEntry } from '../hosts/tiny-server.ts'

const kinds = [
  { what: 'ignores the end of its stdin and TERM', options: { TINY_STUBBORN: 'yes' }, processes: 1 },
  { what: 'has a child of its group that ignores TERM', options: { TINY_FORK: 'group' }, processes: 2 },
  {
    what: 'has a child with a session of its own that ignores TERM',
    options: { TINY_FORK: 'session' },
    processes: 2,
  },
  {
    what: 'is stubborn and has both',
    options: { TINY_STUBBORN: 'yes', TINY_FORK: 'group session' },
    processes: 3,
  },
]

describe('TERM to the app: exit 0 within 10 s and no process left', () => {
  it.each(kinds)('with a server that $what', async ({ what, options, processes }) => {
    using pidFile = new PidFile()
    const servers = { stubborn: toTinyEntry({ ...options, TINY_PIDS: pidFile.file }) }
    await using app = await startHeadless({ config: { servers } })
    const client = await app.openSocket()
    await client.initialize()
    await waitForTool(client, 'stubborn__pid')
    const pids = [...new Set([...pidFile.read(), ...findDescendants(app.pid)])]
    expect(pidFile.readRunning()).toHaveLength(processes)
    const { took } = await time(() => app.stop())
    tellFigure(`from TERM to the exit, a server that ${what}`, took, 'ms')
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('with five of each, and calls in flight that all get an answer', async () => {
    using pidFile = new PidFile()
    const names = [...kinds.keys()].flatMap((index) =>
      [...Array(5).keys()].map((copy) => `kind-${index}-${copy}`),
    )
    const servers = Object.fromEntries(
      names.map((name, index) => [
        name,
        toTinyEntry({ ...kinds[Math.floor(index / 5)]!.options, TINY_PIDS: pidFile.file }),
      ]),
    )
    await using app = await startHeadless({ config: { servers } })
    const shim = app.openShim()
    await shim.initialize()
    for (const name of names) await waitForTool(shim, `${name}__pid`)
    const calls = names.map((name) => readCallError(shim, `${name}__sleep`, { seconds: 60, text: 'late' }))
    await Promise.all(names.map((name) => shim.callText(`${name}__pid`)))
    const pids = [...new Set([...pidFile.read(), ...findDescendants(app.pid)])]
    const { took } = await time(() => app.stop())
    tellFigure(`from TERM to the exit with ${pids.length} processes, most of them stubborn`, took, 'ms')
    expect(pids.filter(isRunning)).toEqual([])
    for (const error of await Promise.all(calls)) expect(error.message).toMatch(/lost|stopp|restarted/)
  })
})

it('a stubborn server that crashes takes what it started with it', async () => {
  using pidFile = new PidFile()
  const options = { TINY_FORK: 'group', TINY_PIDS: pidFile.file }
  const servers = { bad: toTinyEntry(options, { restart: { delayMs: 100, jitter: false } }) }
  await using app = await startHeadless({ config: { servers } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'bad__pid')
  const before = pidFile.read()
  process.kill(Number(await client.callText('bad__pid')), 'SIGKILL')
  const { took } = await time(() => eventually(() => before.filter(isRunning)).toEqual([]))
  tellFigure('from the crash to the end of its last process', took, 'ms')
})
