import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Rendezvous } from '#contract/rendezvous.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { readRendezvous, removeRendezvous, writeRendezvous } from './rendezvous-file.ts'

const rendezvous: Rendezvous = {
  version: 1,
  pid: 4711,
  startedAt: '2026-11-20T10:00:00.000Z',
  appVersion: '1.0.0',
  socket: '/run/x.sock',
  url: null,
  token: 't',
}

describe('the rendezvous file', () => {
  it('is JSON that only this user can read, and comes back as it was written', async () => {
    const folder = await makeScratchFolder()
    await writeRendezvous(folder, rendezvous)
    const file = path.join(folder, 'rendezvous.json')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(rendezvous)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readRendezvous(folder)).toEqual(rendezvous)
  })

  it('is taken away by the app that wrote it', async () => {
    const folder = await makeScratchFolder()
    await writeRendezvous(folder, rendezvous)
    await removeRendezvous(folder, 4711)
    await removeRendezvous(folder, 4711)
    expect(await readdir(folder)).toEqual([])
  })

  it('is left alone when another app has written its own since', async () => {
    const folder = await makeScratchFolder()
    await writeRendezvous(folder, { ...rendezvous, pid: 4712 })
    await removeRendezvous(folder, 4711)
    expect((await readRendezvous(folder))?.pid).toBe(4712)
  })

  it('counts as none where it is missing or broken', async () => {
    const folder = await makeScratchFolder()
    expect(await readRendezvous(folder)).toBeUndefined()
    await writeFile(path.join(folder, 'rendezvous.json'), '{')
    expect(await readRendezvous(folder)).toBeUndefined()
  })
})
