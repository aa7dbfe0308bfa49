import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { watchFiles, type WatchTiming } from './watch-file.ts'

const quick: WatchTiming = { pollMs: 60_000, settleMs: 30, gapMs: 300 }
const polling: WatchTiming = { ...quick, pollMs: 20 }

/** Watches and notes what the files say each time they have settled. */
async function follow(
  files: readonly string[],
  timing: WatchTiming,
  work: () => Promise<void> = () => Promise.resolve(),
) {
  const seen: string[] = []
  const end = watchFiles(
    files,
    async (isStill) => {
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => 'none')))
      if (await isStill()) seen.push(texts.join('|'))
      await work()
    },
    timing,
  )
  onTestFinished(end)
  await vi.waitFor(() => {
    expect(seen).toHaveLength(1)
  }, patience)
  return { seen, end }
}

async function untilLast(seen: readonly string[], wanted: string): Promise<void> {
  await vi.waitFor(() => {
    expect(seen.at(-1)).toBe(wanted)
  }, patience)
}

describe('watchFiles', () => {
  it('notices what is written, replaced, removed and made again, and no more', async () => {
    const folder = await makeScratchFolder()
    const file = path.join(folder, 'a')
    await writeFile(file, '1')
    const { seen } = await follow([file], quick)
    await writeFile(file, '2')
    await untilLast(seen, '2')
    await writeFile(path.join(folder, 'b'), '3')
    await rename(path.join(folder, 'b'), file)
    await untilLast(seen, '3')
    await rm(file)
    await untilLast(seen, 'none')
    await writeFile(file, '4')
    await untilLast(seen, '4')
    expect(seen).toEqual(['1', '2', '3', 'none', '4'])
  })

  it('waits until a file is written to its end', async () => {
    const file = path.join(await makeScratchFolder(), 'a')
    await writeFile(file, 'old')
    const { seen } = await follow([file], { ...quick, settleMs: 600 })
    await writeFile(file, '0')
    for (let step = 1; step < 10; step += 1) {
      await delay(20)
      await appendFile(file, String(step))
    }
    await untilLast(seen, '0123456789')
    expect(seen).toEqual(['old', '0123456789'])
  })

  it('does not take the first part of a file that is written anew for all of it', async () => {
    const folder = await makeScratchFolder()
    const file = path.join(folder, 'a')
    await writeFile(file, 'b, a')
    const { seen } = await follow([file], { ...quick, gapMs: 2000 })
    await truncate(file, 1)
    await delay(300)
    await appendFile(file, ', c, a')
    await untilLast(seen, 'b, c, a')
    expect(seen).toEqual(['b, a', 'b, c, a'])
  })

  it('takes a shorter file that is put in its place at once', async () => {
    const folder = await makeScratchFolder()
    const file = path.join(folder, 'a')
    await writeFile(file, 'long')
    const { seen } = await follow([file], { ...quick, gapMs: 60_000 })
    await writeFile(path.join(folder, 'b'), 'new')
    await rename(path.join(folder, 'b'), file)
    await untilLast(seen, 'new')
  })

  it('does not take a gap while a file is replaced for its end', async () => {
    const file = path.join(await makeScratchFolder(), 'a')
    await writeFile(file, '1')
    const { seen } = await follow([file], { ...quick, gapMs: 2000 })
    await rm(file)
    await delay(100)
    await writeFile(file, '')
    await delay(100)
    await writeFile(file, '2')
    await untilLast(seen, '2')
    expect(seen).toEqual(['1', '2'])
  })

  it('follows a link whose target becomes another, as volumes of Kubernetes do', async () => {
    const folder = await makeScratchFolder()
    const place = (name: string) => path.join(folder, name)
    for (const version of ['1', '2']) {
      await mkdir(place(version))
      await writeFile(place(`${version}/a`), version)
    }
    await symlink('1', place('..data'))
    await symlink('..data/a', place('a'))
    const { seen } = await follow([place('a')], quick)
    await symlink('2', place('..next'))
    await rename(place('..next'), place('..data'))
    await untilLast(seen, '2')
  })

  it('notices by looking what no event tells: a target elsewhere, a folder that comes later', async () => {
    const folder = await makeScratchFolder()
    const place = (name: string) => path.join(folder, name)
    await mkdir(place('elsewhere'))
    await writeFile(place('elsewhere/a'), '1')
    await mkdir(place('here'))
    await symlink('../elsewhere/a', place('here/a'))
    const { seen } = await follow([place('here/a'), place('later/b')], polling)
    await writeFile(place('elsewhere/a'), '2')
    await untilLast(seen, '2|none')
    await mkdir(place('later'))
    await writeFile(place('later/b'), '3')
    await untilLast(seen, '2|3')
  })

  it('goes on when the folder is replaced by another', async () => {
    const folder = path.join(await makeScratchFolder(), 'folder')
    await mkdir(folder)
    await writeFile(path.join(folder, 'a'), '1')
    const { seen } = await follow([path.join(folder, 'a')], polling)
    await rm(folder, { recursive: true })
    await untilLast(seen, 'none')
    await mkdir(folder)
    await writeFile(path.join(folder, 'a'), '2')
    await untilLast(seen, '2')
  })

  it('is called once at a time, and again for what came meanwhile', async () => {
    const file = path.join(await makeScratchFolder(), 'a')
    await writeFile(file, '1')
    let running = 0
    let most = 0
    const { seen } = await follow([file], polling, async () => {
      running += 1
      most = Math.max(most, running)
      await delay(60)
      running -= 1
    })
    for (let value = 2; value < 12; value += 1) {
      await writeFile(file, String(value))
      await delay(40)
    }
    await untilLast(seen, '11')
    expect(most).toBe(1)
    expect(seen).toEqual([...seen].sort((left, right) => Number(left) - Number(right)))
  })

  it('tells nothing once it has ended, not even what it was waiting for', async () => {
    const file = path.join(await makeScratchFolder(), 'a')
    await writeFile(file, '1')
    const { seen, end } = await follow([file], polling)
    await writeFile(file, '2')
    end()
    await utimes(file, 1, 1)
    await delay(200)
    expect(seen).toEqual(['1'])
  })

  it('does not keep a process alive', async () => {
    const folder = await makeScratchFolder()
    const source = path.resolve(import.meta.dirname, 'watch-file.ts')
    const script = `import { watchFiles } from ${JSON.stringify(source)}
      watchFiles([${JSON.stringify(path.join(folder, 'a'))}], async () => undefined)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
