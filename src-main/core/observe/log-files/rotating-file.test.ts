import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { toRotatedPath } from './log-names.ts'
import { RotatingFile, type LogSettings } from './rotating-file.ts'

const roomy: LogSettings = { maxBytes: 2 ** 20, keepDays: 2 }
const dayMs = 86_400_000

async function openFile(settings: LogSettings = roomy, folder?: string) {
  const file = path.join(folder ?? (await makeScratchFolder()), 'logs', 'server.log')
  const { logger, entries } = createLogRecorder()
  const open = () =>
    new RotatingFile({ file, settings, logger, toLostLine: (count) => `${count} lost`, retryMs: 20 })
  const rotating = open()
  onTestFinished(() => rotating.close())
  const texts = () => entries.filter(({ level }) => level === 'warning').map(({ message }) => message)
  return { file, folder: path.dirname(file), rotating, texts, open }
}

/** The texts of all files of the log, oldest first. */
function readAll(folder: string): string[] {
  // The names sort by time; "server.log" comes after "server.2…".
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
}

function untilText(file: string, text: string): Promise<void> {
  return vi.waitFor(() => {
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(text)
  }, patience)
}

describe('RotatingFile', () => {
  it('writes lines in order, in a folder and files of this user alone', async () => {
    const { file, folder, rotating, texts } = await openFile()
    expect(existsSync(folder)).toBe(false)
    const lines = Array.from({ length: 20_000 }, (...[, i]) => `line ${i} ä`)
    for (const line of lines.slice(0, 10_000)) rotating.append(line)
    await untilText(file, `${lines.slice(0, 10_000).join('\n')}\n`)
    for (const line of lines.slice(10_000)) rotating.append(line)
    await rotating.close()
    expect(readFileSync(file, 'utf8')).toBe(`${lines.join('\n')}\n`)
    expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600])
    expect(texts()).toEqual([])
    rotating.append('too late')
    await rotating.close()
    expect(readFileSync(file, 'utf8')).toBe(`${lines.join('\n')}\n`)
  })

  it('rotates before a line would pass the size, and never loses or overwrites any', async () => {
    const { folder, rotating } = await openFile({ maxBytes: 20, keepDays: 2 })
    // Many rotations in one millisecond.
    const lines = Array.from({ length: 200 }, (...[, i]) => `line ${String(i).padStart(4, '0')}`)
    for (const line of lines) rotating.append(line)
    await rotating.close()
    const texts = readAll(folder)
    expect(texts.map((text) => text.length)).toEqual(texts.map(() => 20))
    expect(texts.join('').split('\n').toSorted().slice(1)).toEqual(lines)
    const names = readdirSync(folder).filter((name) => name !== 'server.log')
    expect(names).toHaveLength(99)
    for (const name of names) expect(name).toMatch(/^server\.\d{8}T\d{6}\.\d{3}Z(-\d+)?\.log$/)
    for (const name of names) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600)
  })

  it('writes a line that is longer than a file may be into one of its own', async () => {
    const { folder, rotating } = await openFile({ maxBytes: 10, keepDays: 2 })
    for (const line of ['a', 'x'.repeat(300_000), 'b']) rotating.append(line)
    await rotating.close()
    expect(readAll(folder).map((text) => text.length)).toEqual([2, 300_001, 2])
  })

  it('goes on after what is there, also when that ends in half a line', async () => {
    const { file, rotating, open } = await openFile()
    rotating.append('whole')
    await rotating.close()
    appendFileSync(file, 'half')
    const again = open()
    again.append('next')
    await again.close()
    expect(readFileSync(file, 'utf8')).toBe('whole\nhalf\nnext\n')
  })

  it('takes on other settings while it runs', async () => {
    const { file, folder, rotating } = await openFile()
    rotating.append('a'.repeat(50))
    await untilText(file, `${'a'.repeat(50)}\n`)
    rotating.apply({ maxBytes: 10, keepDays: 2 })
    rotating.append('b')
    await untilText(file, 'b\n')
    expect(readAll(folder)).toHaveLength(2)
  })
})

describe('RotatingFile, old files', () => {
  async function makeOld(folder: string, days: number, text = ''): Promise<string> {
    const time = new Date(Date.now() - days * dayMs)
    const place = toRotatedPath(path.join(folder, 'server.log'), time, 0)
    await mkdir(folder, { recursive: true })
    await writeFile(place, text)
    await utimes(place, time, time)
    return place
  }

  it('go at opening, when settings change, and at each rotation', async () => {
    const scratch = await makeScratchFolder()
    const folder = path.join(scratch, 'logs')
    const [old, young, other] = [
      await makeOld(folder, 3),
      await makeOld(folder, 1.5),
      path.join(folder, 'x.log'),
    ]
    await writeFile(other, '')
    await utimes(other, 0, 0)
    const { rotating } = await openFile(roomy, scratch)
    await vi.waitFor(() => {
      expect([old, young, other].map((place) => existsSync(place))).toEqual([false, true, true])
    }, patience)
    rotating.apply({ maxBytes: 10, keepDays: 1 })
    await vi.waitFor(() => {
      expect(existsSync(young)).toBe(false)
    }, patience)
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const findRotated = () => readdirSync(folder).filter((name) => /^server\.\d/.test(name))
    for (const line of ['first line', 'second line']) rotating.append(line)
    await vi.waitFor(() => {
      expect(findRotated()).toHaveLength(1)
    }, patience)
    const [first] = findRotated()
    vi.setSystemTime(Date.now() + 2 * dayMs)
    rotating.append('third line')
    await vi.waitFor(() => {
      expect(findRotated()).toHaveLength(1)
      expect(findRotated()).not.toContain(first)
    }, patience)
  })

  it('are at most 1,000, though the folder is read once only', { timeout: 20_000 }, async () => {
    const { rotating, folder, file } = await openFile({ maxBytes: 1, keepDays: 2 })
    for (let i = 0; i < 1100; i++) rotating.append(`${i}`)
    await untilText(file, '1099\n')
    await vi.waitFor(() => {
      expect(readdirSync(folder)).toHaveLength(1001)
    }, patience)
    await rotating.close()
  })

  it('go every hour', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { folder, rotating, file } = await openFile()
    rotating.append('a')
    await untilText(file, 'a\n')
    const old = await makeOld(folder, 3)
    vi.advanceTimersByTime(3_600_000)
    await vi.waitFor(() => {
      expect(existsSync(old)).toBe(false)
    }, patience)
  })
})

describe('RotatingFile, trouble', () => {
  it('starts a new file when its own is removed, moved, or its folder is', async () => {
    const { file, folder, rotating, texts } = await openFile()
    rotating.append('one')
    await untilText(file, 'one\n')
    await rm(file)
    rotating.append('two')
    await untilText(file, 'two\n')
    await rename(file, `${file}.mine`)
    rotating.append('three')
    await untilText(file, 'three\n')
    expect(readFileSync(`${file}.mine`, 'utf8')).toBe('two\n')
    await rm(folder, { recursive: true })
    rotating.append('four')
    await untilText(file, 'four\n')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(texts()).toEqual([])
  })

  it('knows the size of a file that somebody empties', async () => {
    const { file, folder, rotating } = await openFile({ maxBytes: 20, keepDays: 2 })
    for (const line of ['123456789', '12345678', '1234567']) {
      rotating.append(line)
      await untilText(file, `${line}\n`)
      await truncate(file)
    }
    expect(readdirSync(folder)).toEqual(['server.log'])
  })

  it('says once that it cannot write and once that it can again, and keeps what is newest', async () => {
    const { file, folder, rotating, texts } = await openFile({ maxBytes: 2 ** 24, keepDays: 2 })
    await mkdir(folder)
    // Every write to it fails as on a full disk.
    await symlink('/dev/full', file)
    rotating.append('oldest')
    await vi.waitFor(() => {
      expect(texts()).toHaveLength(1)
    }, patience)
    for (let i = 0; i < 60; i++) rotating.append(String(i).padStart(100_000, '.'))
    rotating.append('newest')
    await rm(file)
    await vi.waitFor(() => {
      expect(texts()).toHaveLength(2)
    }, patience)
    const [first, ...rest] = readFileSync(file, 'utf8').replaceAll('.', '').trimEnd().split('\n')
    const lost = 62 - rest.length
    expect(first).toBe(`${lost} lost`)
    expect(rest).toEqual([...Array.from({ length: 61 - lost }, (...[, i]) => String(i + lost - 1)), 'newest'])
    // 4 MiB of them.
    expect(rest.length).toBeGreaterThan(38)
    expect(rest.length).toBeLessThan(43)
    expect(texts()).toEqual([
      `The log “${file}” cannot be written: the disk is full. It is tried again every few seconds.`,
      `The log “${file}” is written again.`,
    ])
  })

  it('a file in the place of its folder, a folder in its own place: said, and no more', async () => {
    const one = await openFile()
    await writeFile(one.folder, '')
    one.rotating.append('x')
    const two = await openFile()
    await mkdir(two.file, { recursive: true })
    two.rotating.append('x')
    await vi.waitFor(() => {
      expect(one.texts()[0]).toContain('there is a file where its folder should be')
      expect(two.texts()[0]).toContain('there is a folder in its place')
    }, patience)
    await Promise.all([one.rotating.close(), two.rotating.close()])
    expect([one.texts(), two.texts()].map((texts) => texts.length)).toEqual([1, 1])
  })

  it('tries once more when it is closed', async () => {
    const { file, folder, rotating, texts } = await openFile()
    await writeFile(folder, '')
    rotating.append('x')
    await vi.waitFor(() => {
      expect(texts()).toHaveLength(1)
    }, patience)
    await rm(folder)
    await rotating.close()
    expect(readFileSync(file, 'utf8')).toBe('x\n')
  })

  it('names the code of what is not usual', async () => {
    const { file, folder, rotating, texts } = await openFile()
    await mkdir(folder)
    await symlink('server.log', file)
    rotating.append('x')
    await vi.waitFor(() => {
      expect(texts()[0]).toContain('ELOOP')
    }, patience)
  })

  it('on a disk that is full, half a line stays alone and nothing is written twice', async ({ skip }) => {
    const disk = await makeScratchFolder()
    const mount = (options: string) =>
      spawnSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk])
    skip(mount('size=64k').status !== 0, 'nothing can be mounted here')
    onTestFinished(() => {
      spawnSync('/usr/bin/umount', ['-l', disk])
    })
    const { file, folder, rotating, texts } = await openFile(roomy, disk)
    await mkdir(folder)
    const ballast = path.join(disk, 'ballast')
    await writeFile(ballast, 'x'.repeat(40_000))
    const lines = Array.from({ length: 1000 }, (...[, i]) => `line ${i} `.padEnd(99, '.'))
    for (const line of lines) rotating.append(line)
    await vi.waitFor(() => {
      expect(texts()).toHaveLength(1)
    }, patience)
    const atFull = readFileSync(file, 'utf8')
    expect(atFull.endsWith('\n')).toBe(false)
    mount('remount,size=1m')
    await vi.waitFor(() => {
      expect(texts()).toHaveLength(2)
    }, patience)
    const torn = atFull.slice(atFull.lastIndexOf('\n') + 1)
    const written = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(written.filter((line) => line !== torn)).toEqual(lines)
    expect(written.filter((line) => line === torn)).toHaveLength(1)
  })
})
