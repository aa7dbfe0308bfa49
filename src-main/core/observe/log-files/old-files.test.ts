import { existsSync } from 'node:fs'
import { mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { toRotatedPath } from './log-names.ts'
import { OldFiles } from './old-files.ts'

async function openLog() {
  const file = path.join(await makeScratchFolder(), 'server.log')
  const { logger, entries } = createLogRecorder()
  const make = async (days: number): Promise<string> => {
    const time = new Date(Date.now() - days * 86_400_000)
    const place = toRotatedPath(file, time, 0)
    await writeFile(place, '')
    await utimes(place, time, time)
    return place
  }
  const old = new OldFiles(file, logger)
  const remove = async () => {
    await old.read()
    await old.remove(2)
  }
  return { file, make, old, remove, entries }
}

describe('OldFiles', () => {
  it('goes by the time of the last change as well as by the name, and takes rotated files alone', async () => {
    const { file, make, remove } = await openLog()
    const [old, young, touched, renamed] = [await make(3), await make(1.9), await make(4), await make(0)]
    await utimes(touched, new Date(), new Date())
    await utimes(renamed, 0, 0)
    await writeFile(file, '')
    await utimes(file, 0, 0)
    await remove()
    expect([old, young, touched, renamed, file].map((place) => existsSync(place))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ])
  })

  it('leaves at most 256 MiB, the newest', async () => {
    const { make, remove } = await openLog()
    const places = [await make(1), await make(0.8), await make(0.6), await make(0.4)]
    // Sparse: it takes no room on the disk.
    for (const place of places) await truncate(place, 100 * 2 ** 20)
    await remove()
    expect(places.map((place) => existsSync(place))).toEqual([false, false, true, true])
  })

  it('leaves at most 1,000, the newest, and knows those that came since without reading the folder', async () => {
    const { file, old, remove } = await openLog()
    const places = Array.from({ length: 1002 }, (...[, i]) => toRotatedPath(file, new Date(), i))
    for (const place of places) await writeFile(place, '')
    await remove()
    expect(places.map((place) => existsSync(place))).toEqual([
      false,
      false,
      ...Array<boolean>(1000).fill(true),
    ])
    // Not in the folder, so that only what was told counts.
    old.add(`${file}.gone`, 0)
    await old.remove(2)
    expect(places.filter((place) => existsSync(place))).toEqual(places.slice(3))
  })

  it('knows what came while it read the folder', async () => {
    const { file, make, old } = await openLog()
    const place = await make(1)
    await truncate(place, 100)
    const reading = old.read()
    old.add(`${file}.new`, 256 * 2 ** 20)
    await reading
    await old.remove(2)
    expect(existsSync(place)).toBe(false)
  })

  it('says at debug what it cannot remove', async () => {
    const { file, old, remove, entries } = await openLog()
    await mkdir(toRotatedPath(file, new Date(0), 0))
    await remove()
    await old.remove(2)
    expect(entries.map(({ level }) => level)).toEqual(['debug', 'debug'])
  })

  it('says at debug what keeps it from that, and has nothing to say of what is not there', async () => {
    const { logger, entries } = createLogRecorder()
    const folder = await makeScratchFolder()
    await new OldFiles(path.join(folder, 'nowhere/server.log'), logger).read()
    await writeFile(path.join(folder, 'file'), '')
    await new OldFiles(path.join(folder, 'file/server.log'), logger).read()
    expect(entries).toEqual([])
    await symlink('loop', path.join(folder, 'loop'))
    await new OldFiles(path.join(folder, 'loop/server.log'), logger).read()
    expect(entries.map(({ level, fields }) => [level, fields['code']])).toEqual([['debug', 'ELOOP']])
  })
})
