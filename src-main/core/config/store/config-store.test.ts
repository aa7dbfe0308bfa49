import { appendFile, chmod, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import {
  aWhile,
  env,
  makeConfigPlace,
  one,
  openStore,
  toJson,
  toNames,
  two,
  untilTold,
} from '../../../testing/config-store-bench.ts'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { openConfigStore } from './config-store.ts'
import { readSource } from './read-source.ts'

describe('a configuration that is edited', () => {
  it('holds at once, by any way of writing; the same content again is no change', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    expect(toNames(store.config)).toBe('files')
    await writeFile(place('c.yaml'), two)
    await untilTold(told, 'files,docs')
    await writeFile(place('next'), one)
    await rename(place('next'), place('c.yaml'))
    await untilTold(told, 'files,docs', 'files')
    await writeFile(place('c.yaml'), one)
    await writeFile(place('c.yaml'), `# Nothing but a comment\n${one}`)
    await aWhile()
    expect(told).toHaveLength(2)
  })

  it('and broken keeps what ran, tells file, line and key once, and tells when it is well again', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    const before = store.config
    await writeFile(place('c.yaml'), 'version: 1\nservers:\n  files: { comand: x }\n')
    const problem =
      'c.yaml:3:12 servers.files.comand: The key "comand" is not known here; did you mean "command"?'
    await untilTold(told, problem)
    expect(store.config).toBe(before)
    await appendFile(place('c.yaml'), '# The same problem\n')
    await aWhile()
    expect(told).toHaveLength(1)
    await writeFile(place('c.yaml'), one)
    await untilTold(told, problem, 'recovered')
    expect(store.problems).toEqual([])
    await writeFile(place('c.yaml'), '{')
    await vi.waitFor(() => {
      expect(told.length).toBeGreaterThan(2)
    }, patience)
    const count = told.length
    await writeFile(place('c.yaml'), two)
    await untilTold(told, ...told.slice(0, count), 'recovered', 'files,docs')
  })

  it('and gone or empty is no configuration without servers', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    await rm(place('c.yaml'))
    const gone = 'c.yaml:1:1 : This file is gone; expected a configuration.'
    await untilTold(told, gone)
    await writeFile(place('c.yaml'), ' \n')
    const empty = 'c.yaml:1:1 : This file is empty; expected a configuration.'
    await untilTold(told, gone, empty)
    expect(toNames(store.config)).toBe('files')
    await writeFile(place('c.yaml'), two)
    await untilTold(told, gone, empty, 'recovered', 'files,docs')
  })

  it('twice in quick succession ends with what was written last', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    for (let round = 0; round < 30; round += 1) {
      await writeFile(place('c.yaml'), round % 2 === 0 ? two : one)
      await delay(round)
    }
    await writeFile(place('c.yaml'), toJson({ last: { command: 'x' } }))
    await vi.waitFor(() => {
      expect(toNames(store.config)).toBe('last')
    }, patience)
    expect(told.at(-1)).toBe('last')
    expect(told.filter((text) => text.startsWith('c.yaml'))).toEqual([])
  })

  it('takes variables from where it took them at the start', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    await writeFile(place('c.yaml'), 'version: 1\nservers: { a: { command: "${COMMAND}" } }')
    await untilTold(told, 'a')
    expect(store.config.servers[0]?.transport).toMatchObject({ command: 'node' })
  })

  it('tells nobody who has unsubscribed, and nothing once it is closed', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore(named)
    const deaf = vi.fn()
    store.onChanged(deaf)()
    await writeFile(place('c.yaml'), two)
    await untilTold(told, 'files,docs')
    expect(deaf).not.toHaveBeenCalled()
    await writeFile(place('c.yaml'), one)
    store.close()
    await aWhile()
    expect(told).toHaveLength(1)
  })
})

it.skipIf(process.getuid === undefined)(
  'a configuration that was found and that others may write by now does not hold, until they may not',
  async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': one })
    const { store, told } = await openStore({ ...named, chosenBy: 'search' })
    await writeFile(place('next'), two)
    await chmod(place('next'), 0o666)
    await rename(place('next'), place('c.yaml'))
    await vi.waitFor(() => {
      expect(told).toEqual([expect.stringContaining('it may be written by every user')])
    }, patience)
    expect(store.problems).toMatchObject([{ code: 'unsafe-place' }])
    expect(toNames(store.config)).toBe('files')
    await chmod(place('c.yaml'), 0o644)
    await untilTold(told, told[0] ?? '', 'recovered', 'files,docs')
    await rm(place('c.yaml'))
    await vi.waitFor(() => {
      expect(told.at(-1)).toContain('This file is gone')
    }, patience)
  },
)

describe('without a configuration', () => {
  it('there are no servers, until one is made', async () => {
    const { place, own } = await makeConfigPlace()
    const { store, told, opened } = await openStore(own)
    expect(opened.problems).toEqual([])
    expect(store.config.servers).toEqual([])
    await aWhile()
    await writeFile(place('data/config.json'), one)
    await untilTold(told, 'files')
    await rm(place('data/config.json'))
    await untilTold(told, 'files', 'config.json:1:1 : This file is gone; expected a configuration.')
    expect(toNames(store.config)).toBe('files')
  })

  it('there is no store, when it was named', async () => {
    const { named } = await makeConfigPlace()
    const { logger } = createLogRecorder()
    const opened = await openConfigStore(await readSource(named, env), { env, logger })
    expect(opened).toMatchObject({ ok: false, problems: [{ code: 'no-file' }] })
  })
})
