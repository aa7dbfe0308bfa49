import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRegularFile } from './read-regular-file.ts'

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-base-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe('readRegularFile', () => {
  it('reads a file up to its longest, and none that is longer', async () => {
    const file = path.join(await makeFolder(), 'a')
    await writeFile(file, 'x'.repeat(100_000))
    expect((await readRegularFile(file, 100_000)).toString()).toBe('x'.repeat(100_000))
    await expect(readRegularFile(file, 99_999)).rejects.toMatchObject({ code: 'EFBIG' })
    await writeFile(file, '')
    expect(await readRegularFile(file, 1)).toHaveLength(0)
  })

  it('refuses folders and what is not there', async () => {
    const folder = await makeFolder()
    await expect(readRegularFile(folder, 10)).rejects.toMatchObject({ code: 'EISDIR' })
    await expect(readRegularFile(path.join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.skipIf(process.platform === 'win32')('refuses pipes, devices and sockets, and never waits', async () => {
    const folder = await makeFolder()
    const place = (name: string) => path.join(folder, name)
    execFileSync('mkfifo', [place('pipe')])
    const server = createServer().listen(place('socket'))
    onTestFinished(() => {
      server.close()
    })
    await new Promise((resolve) => server.once('listening', resolve))
    for (const file of [place('pipe'), place('socket'), '/dev/zero']) {
      await expect(readRegularFile(file, 10)).rejects.toMatchObject({ code: 'ENOTREG' })
    }
  })
})
