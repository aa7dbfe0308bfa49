import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isSameFile } from './is-same-file.ts'

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-base-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

it('tells a file by another path, there or not, from another file', async () => {
  const folder = await makeFolder()
  const place = (name: string) => path.join(folder, name)
  await mkdir(place('real'))
  await symlink('real', place('link'))
  expect(await isSameFile(place('link/a'), place('real/a'))).toBe(true)
  expect(await isSameFile(place('none/a'), place('real/a'))).toBe(false)
  await writeFile(place('real/a'), '')
  await writeFile(place('real/b'), '')
  await symlink('a', place('real/c'))
  expect(await isSameFile(place('link/c'), place('real/a'))).toBe(true)
  expect(await isSameFile(place('link/a'), place('real/b'))).toBe(false)
  expect(await isSameFile(place('none/a'), place('none/a'))).toBe(true)
})
