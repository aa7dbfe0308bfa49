import { chmod, chown, lstat, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { makePrivateFolder, UnsafePlace, writePrivateFile } from './private-files.ts'

const modeOf = async (file: string) => (await lstat(file)).mode & 0o777

describe('makePrivateFolder', () => {
  it('makes a folder that only this user can enter, with those above it', async () => {
    const folder = path.join(await makeScratchFolder(), 'a', 'b')
    await makePrivateFolder(folder)
    await makePrivateFolder(folder)
    expect(await modeOf(folder)).toBe(0o700)
  })

  it('closes one of ours that others could enter', async () => {
    const folder = path.join(await makeScratchFolder(), 'open')
    await mkdir(folder)
    await chmod(folder, 0o755)
    await makePrivateFolder(folder)
    expect(await modeOf(folder)).toBe(0o700)
  })

  it('refuses a link, even one to a folder of ours, and leaves that alone', async () => {
    const scratch = await makeScratchFolder()
    const [target, link] = [path.join(scratch, 'target'), path.join(scratch, 'link')]
    await mkdir(target)
    await chmod(target, 0o755)
    await symlink(target, link)
    await expect(makePrivateFolder(link)).rejects.toThrow(UnsafePlace)
    await expect(makePrivateFolder(link)).rejects.toThrow(`“${link}” is not a folder of this user's`)
    expect(await modeOf(target)).toBe(0o755)
  })

  it.runIf(process.getuid?.() === 0)("refuses another user's folder", async () => {
    const folder = path.join(await makeScratchFolder(), 'foreign')
    await mkdir(folder, { mode: 0o700 })
    await chown(folder, 12_345, 12_345)
    await expect(makePrivateFolder(folder)).rejects.toThrow(UnsafePlace)
  })

  it('refuses a file', async () => {
    const file = path.join(await makeScratchFolder(), 'file')
    await writeFile(file, '')
    await expect(makePrivateFolder(file)).rejects.toThrow()
  })
})

describe('writePrivateFile', () => {
  it('writes a file that only this user can read, over one that others could', async () => {
    const folder = await makeScratchFolder()
    const file = path.join(folder, 'file')
    await writeFile(file, 'a longer text than the new one', { mode: 0o644 })
    await writePrivateFile(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
    expect(await modeOf(file)).toBe(0o600)
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('writes no file through a link', async () => {
    const folder = await makeScratchFolder()
    const [target, link] = [path.join(folder, 'target'), path.join(folder, 'link')]
    await writeFile(target, 'old')
    await symlink(target, link)
    await writePrivateFile(link, 'new')
    expect(await readFile(target, 'utf8')).toBe('old')
    expect(await readFile(link, 'utf8')).toBe('new')
  })
})
