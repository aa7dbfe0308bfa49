import { rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import {
  env,
  makeConfigPlace,
  one,
  openStore,
  toJson,
  toNames,
  two,
  untilTold,
} from '../../../testing/config-store-bench.ts'
import { patience } from '../../../testing/patience.ts'
import { readSource, toEffective } from './read-source.ts'

describe('overrides', () => {
  it('of config.json stand on top of a configuration that is elsewhere, and follow their file', async () => {
    const { place, named } = await makeConfigPlace({
      'c.yaml': two,
      'data/config.json': toJson(
        { unused: { command: 'z', novelty: 1 } },
        { docs: { enabled: false }, gone: { enabled: true } },
      ),
    })
    const { store, told, opened } = await openStore(named)
    expect(opened.problems).toEqual([])
    expect(toNames(store.config)).toBe('files')
    await writeFile(place('data/config.json'), toJson({}, { files: { tools: { disabled: ['rm'] } } }))
    await untilTold(told, 'files-rm,docs')
    await writeFile(place('c.yaml'), one)
    await untilTold(told, 'files-rm,docs', 'files-rm')
    await expect(stat(place('data/config.json.bak'))).rejects.toThrow('ENOENT')
  })

  it('of a config.json that comes later are noticed', async () => {
    const { place, named } = await makeConfigPlace({ 'c.yaml': two })
    const { told } = await openStore(named)
    await writeFile(place('data/config.json'), toJson({}, { docs: { enabled: false } }))
    await untilTold(told, 'files')
  })

  it('of a broken config.json are left aside at the start; broken later, they go on', async () => {
    const { place, named } = await makeConfigPlace({
      'c.yaml': two,
      'data/config.json': '{"version":1,\n"overrides":1}',
    })
    const problem =
      'config.json:2:1 overrides: Expected a group of keys, but this is a number (quotes make it text).'
    const { store, told, opened } = await openStore(named)
    expect(opened).toMatchObject({ usedLastGood: false, problems: [{ line: 2, key: 'overrides' }] })
    expect(toNames(store.config)).toBe('files,docs')
    await writeFile(place('data/config.json'), toJson({}, { docs: { enabled: false } }))
    await untilTold(told, 'recovered', 'files')
    await writeFile(place('data/config.json'), '{"version":1,\n"overrides":1}')
    await vi.waitFor(() => {
      expect(told).toHaveLength(3)
    }, patience)
    expect(told[2]?.replace(/2:\d+/, '2:1')).toBe(problem)
    expect(toNames(store.config)).toBe('files')
    await rm(place('data/config.json'))
    await vi.waitFor(() => {
      expect(told.at(-1)).toBe('config.json:1:1 : This file is gone; expected a configuration.')
    }, patience)
    expect(toNames(store.config)).toBe('files')
  })

  it('in the configuration itself hold as well, below those of config.json; both are told', async () => {
    const { place, named, own } = await makeConfigPlace({
      'c.yaml': toJson(
        { a: { command: 'x' }, b: { command: 'x' } },
        { a: { enabled: false }, b: { enabled: false } },
      ),
      'data/config.json': toJson({}, { a: { enabled: true } }),
    })
    const { result, changes } = toEffective(await readSource(named, env))
    expect(result.ok && toNames(result.config)).toBe('a')
    expect(changes.map(({ server, value, file }) => [server, value, path.basename(file)])).toEqual([
      ['a', false, 'c.yaml'],
      ['b', false, 'c.yaml'],
      ['a', true, 'config.json'],
    ])
    await writeFile(place('data/config.json'), toJson({ a: { command: 'x' } }, { a: { enabled: false } }))
    expect(toNames((await openStore(own)).store.config)).toBe('')
  })
})
