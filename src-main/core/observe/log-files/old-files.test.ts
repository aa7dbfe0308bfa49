import { existsSync } from 'node:fs'
import { symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { toRotatedPath } from './log-names.ts'
import { removeOldFiles } from './old-files.ts'

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
  const remove = () => removeOldFiles(file, 2, logger)
  return { file, make, remove, entries }
}

describe('removeOldFiles', () => {
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

  it('says at debug what keeps it from that, and has nothing to say of what is not there', async () => {
    const { logger, entries } = createLogRecorder()
    const folder = await makeScratchFolder()
    await removeOldFiles(path.join(folder, 'nowhere/server.log'), 2, logger)
    await writeFile(path.join(folder, 'file'), '')
    await removeOldFiles(path.join(folder, 'file/server.log'), 2, logger)
    expect(entries).toEqual([])
    await symlink('loop', path.join(folder, 'loop'))
    await removeOldFiles(path.join(folder, 'loop/server.log'), 2, logger)
    expect(entries.map(({ level, fields }) => [level, fields['code']])).toEqual([['debug', 'ELOOP']])
  })
})
