import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StartLockHeld, withStartLock } from './start-lock.ts'

describe('withStartLock', () => {
  let folder: string
  let file: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'patchbay-lock-'))
    file = path.join(folder, 'start.lock')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it('lets one in at a time, each in its turn', async () => {
    let inside = 0
    let most = 0
    const work = async (): Promise<number> => {
      most = Math.max(most, ++inside)
      await stat(file)
      return --inside
    }
    await Promise.all(Array.from({ length: 8 }, () => withStartLock(file, work)))
    expect(most).toBe(1)
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  it('takes over a lock that a killed app left behind', async () => {
    await writeFile(file, '')
    await utimes(file, 0, 0)
    await expect(withStartLock(file, () => Promise.resolve('in'))).resolves.toBe('in')
  })

  it('takes over one whose time is yet to come: the clock was wrong', async () => {
    await writeFile(file, '')
    const tomorrow = Date.now() / 1000 + 86_400
    await utimes(file, tomorrow, tomorrow)
    await expect(withStartLock(file, () => Promise.resolve('in'), 1000)).resolves.toBe('in')
  })

  it('gives up in time, and names the file', async () => {
    await writeFile(file, '')
    const waiting = withStartLock(file, () => Promise.resolve('in'), 50)
    await expect(waiting).rejects.toThrow(StartLockHeld)
    await expect(waiting).rejects.toThrow(file)
    await expect(stat(file)).resolves.toBeDefined()
  })

  it('is given back when the work fails, and passes its failure on', async () => {
    await expect(withStartLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  it('fails when there is no such folder', async () => {
    await expect(withStartLock(path.join(folder, 'none', 'x'), () => Promise.resolve())).rejects.toThrow(
      'ENOENT',
    )
  })
})
