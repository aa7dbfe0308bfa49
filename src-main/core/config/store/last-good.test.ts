import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import {
  aWhile,
  env,
  makeConfigPlace,
  one,
  openStore,
  toNames,
  two,
  untilTold,
} from '../../../testing/config-store-bench.ts'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { openConfigStore } from './config-store.ts'
import { readSource } from './read-source.ts'

describe('the last good copy of config.json', () => {
  it('is kept whenever it is good, for this user alone, byte for byte', async () => {
    const text = `// Mine\n${one}\n`
    const { place, own } = await makeConfigPlace({ 'data/config.json': text })
    const { told } = await openStore(own)
    expect(await readFile(place('data/config.json.bak'), 'utf8')).toBe(text)
    expect((await stat(place('data/config.json.bak'))).mode & 0o777).toBe(0o600)
    await writeFile(place('data/config.json'), two)
    await untilTold(told, 'files,docs')
    await vi.waitFor(async () => {
      expect(await readFile(place('data/config.json.bak'), 'utf8')).toBe(two)
    }, patience)
    await writeFile(place('data/config.json'), '{')
    await vi.waitFor(() => {
      expect(told.length).toBeGreaterThan(1)
    }, patience)
    expect(await readFile(place('data/config.json.bak'), 'utf8')).toBe(two)
  })

  it('is not written anew when it is the same', async () => {
    const { place, own } = await makeConfigPlace({ 'data/config.json': one, 'data/config.json.bak': one })
    const { ino } = await stat(place('data/config.json.bak'))
    await openStore(own)
    expect((await stat(place('data/config.json.bak'))).ino).toBe(ino)
  })

  it('holds at the start in place of a broken one, loudly, until that is put right', async () => {
    const { place, own } = await makeConfigPlace({
      'data/config.json': '{"version":1,\n"x":1}',
      'data/config.json.bak': one,
    })
    const { store, told, opened } = await openStore(own)
    expect(opened).toMatchObject({ usedLastGood: true, problems: [{ line: 2, key: 'x' }] })
    expect(toNames(store.config)).toBe('files')
    await aWhile()
    expect(told).toEqual([])
    await writeFile(place('data/config.json'), one)
    await untilTold(told, 'recovered')
    await writeFile(place('data/config.json'), two)
    await untilTold(told, 'recovered', 'files,docs')
  })

  it.each([
    { what: 'there is none', texts: { 'data/config.json': '{' } },
    { what: 'it is broken too', texts: { 'data/config.json': '{', 'data/config.json.bak': '{' } },
  ])('is no help when $what', async ({ texts }) => {
    const { own } = await makeConfigPlace(texts)
    const { logger } = createLogRecorder()
    const opened = await openConfigStore(await readSource(own, env), { env, logger })
    expect(opened).toMatchObject({ ok: false, problems: [{ code: 'syntax' }] })
  })

  it('does not stand in for a file that was named', async () => {
    const { own, named } = await makeConfigPlace({
      'data/config.json': '{',
      'data/config.json.bak': one,
      'c.yaml': '{',
    })
    const { logger } = createLogRecorder()
    for (const source of [named, { ...own, chosenBy: 'option' } as const]) {
      expect(await openConfigStore(await readSource(source, env), { env, logger })).toMatchObject({
        ok: false,
      })
    }
  })

  it('that cannot be written is said once, and all else goes on', async () => {
    const { place, own } = await makeConfigPlace({ 'data/config.json': one })
    await mkdir(place('data/config.json.bak'))
    const { told, log } = await openStore(own)
    expect(log).toMatchObject([
      { level: 'warning', fields: { file: place('data/config.json.bak'), code: 'EISDIR' } },
    ])
    await writeFile(place('data/config.json'), two)
    await untilTold(told, 'files,docs')
    await aWhile()
    expect(log).toHaveLength(1)
  })
})
