import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { toRotatedPath, toServerLog } from './log-names.ts'
import { LogReader, readLoggedServers } from './read-log.ts'
import { RotatingFile } from './rotating-file.ts'
import type { OutputStream } from '../server-output.ts'

async function openReader(stream?: OutputStream) {
  const folder = await makeScratchFolder()
  const file = toServerLog(folder, 'files')
  await mkdir(path.dirname(file))
  const open = (): LogReader => {
    const reader = new LogReader(file, stream)
    onTestFinished(() => reader.close())
    return reader
  }
  const rotated = (age: number) => toRotatedPath(file, new Date(1_700_000_000_000 - age), 0)
  return { file, folder, rotated, reader: open(), open }
}

async function readOn(reader: LogReader): Promise<string[]> {
  const lines: string[] = []
  for await (const piece of reader.readOn()) lines.push(...piece)
  return lines
}

async function readLast(reader: LogReader, count: number): Promise<string[]> {
  await reader.seekLast(count)
  const lines = await readOn(reader)
  return [...lines, ...reader.takeRest()]
}

const time = '2026-11-20T10:00:00.000Z'
const toLine = (text: string | number, stream = 'STDOUT'): string => `[${time}] [${stream}] ${text}`

describe('readLoggedServers', () => {
  it('gives servers that have a log, rotated or not, and nothing else', async () => {
    const { folder, rotated } = await openReader()
    for (const name of ['zeta', 'empty', 'bad name']) await mkdir(path.join(folder, name))
    await writeFile(path.join(folder, 'zeta', 'server.log'), '')
    await writeFile(path.join(folder, 'bad name', 'server.log'), '')
    await writeFile(path.join(folder, 'app.log'), '')
    await writeFile(rotated(0), '')
    expect(await readLoggedServers(folder)).toEqual(['files', 'zeta'])
    expect(await readLoggedServers(path.join(folder, 'nowhere'))).toEqual([])
    expect(await readLoggedServers(path.join(folder, 'app.log'))).toEqual([])
  })
})

describe('LogReader, the last lines', () => {
  it('are those of the current file and as many rotated ones as it takes', async () => {
    const { file, rotated, open } = await openReader()
    await writeFile(rotated(2), 'a1\na2\n')
    await writeFile(rotated(1), 'b1\n')
    await writeFile(rotated(0), '')
    await writeFile(file, 'c1\nc2\n')
    const all = ['a1', 'a2', 'b1', 'c1', 'c2']
    for (const count of [0, 1, 2, 3, 4, 5, 6, 1_000_000]) {
      expect(await readLast(open(), count)).toEqual(count === 0 ? [] : all.slice(-count))
    }
  })

  it('include half a line at the end when nothing more is to come', async () => {
    const { file, open } = await openReader()
    await writeFile(file, 'one\ntwo\nhal')
    expect(await readLast(open(), 2)).toEqual(['two', 'hal'])
    expect(await readLast(open(), 9)).toEqual(['one', 'two', 'hal'])
  })

  it('are right whatever the lines are like', { timeout: 60_000 }, async () => {
    const { file, rotated, open } = await openReader()
    const line = fc.integer({ min: 1, max: 90_000 }).map((length) => 'x'.repeat(length))
    const text = fc.oneof(line, fc.constantFrom('x', 'é', 'y'.repeat(65_535), 'z'.repeat(32_767)))
    const entry = fc.record({ text, stream: fc.constantFrom('STDOUT', 'STDERR') })
    const log = fc.array(fc.array(entry, { maxLength: 8 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(log, fc.nat(12), fc.boolean(), async (files, count, isFiltered) => {
        for (const [index, entries] of files.entries()) {
          const lines = entries.map((one) => `${toLine(one.text, one.stream)}\n`)
          await writeFile(index === files.length - 1 ? file : rotated(9 - index), lines.join(''))
        }
        const all = files.flat().filter((one) => !isFiltered || one.stream === 'STDERR')
        const reader = isFiltered ? new LogReader(file, 'stderr') : open()
        const lines = await readLast(reader, count)
        await reader.close()
        for (const index of files.keys()) await rm(rotated(9 - index), { force: true })
        expect(lines).toEqual(count === 0 ? [] : all.map((one) => toLine(one.text, one.stream)).slice(-count))
      }),
      { numRuns: 60 },
    )
  })

  it('of one stream are found among those of the other', async () => {
    const { file, reader } = await openReader('stderr')
    const lines = Array.from({ length: 10_000 }, (...[, i]) =>
      toLine(i, i % 1000 === 7 ? 'STDERR' : 'STDOUT'),
    )
    await writeFile(file, `${lines.join('\n')}\n[STDERR] half\n`)
    expect(await readLast(reader, 2)).toEqual([toLine(8007, 'STDERR'), toLine(9007, 'STDERR')])
  })

  it('of one stream are counted right where blocks meet', async () => {
    const { file, reader } = await openReader('stderr')
    const lines = Array.from({ length: 20_000 }, (...[, i]) => toLine(i, 'STDERR'))
    await writeFile(file, `${lines.join('\n')}\n`)
    expect(await readLast(reader, 19_990)).toEqual(lines.slice(10))
  })

  it('of a long log are read from its end: little of it is touched', async () => {
    const { file, reader } = await openReader()
    await writeFile(file, '')
    // Sparse: 100 GiB of zeros that take no room, and far too long to be read before the test is ended.
    await truncate(file, 100 * 2 ** 30)
    await appendFile(file, '\none\ntwo\n')
    expect(await readLast(reader, 2)).toEqual(['one', 'two'])
  })

  it('a line that is longer than any of ours is cut', async () => {
    const { file, reader } = await openReader()
    await writeFile(file, `${toLine('x'.repeat(2 ** 21))}\nnext\n`)
    const [long, next] = await readLast(reader, 2)
    expect(long).toHaveLength(1025)
    expect(long).toMatch(/x…$/)
    expect(next).toBe('next')
  })

  it('there are none of a log that is not there', async () => {
    const { file, reader } = await openReader()
    expect(await reader.seekLast(5)).toBe(false)
    await rm(path.dirname(file), { recursive: true })
    expect(await reader.seekLast(5)).toBe(false)
    expect(await readOn(reader)).toEqual([])
  })
})

describe('LogReader, what comes after', () => {
  it('is given once, in order, half a line with its other half', async () => {
    const { file, reader } = await openReader()
    await writeFile(file, 'one\ntwo\n')
    expect(await reader.seekLast(1)).toBe(true)
    expect(await readOn(reader)).toEqual(['two'])
    expect(await readOn(reader)).toEqual([])
    await appendFile(file, 'thr')
    expect(await readOn(reader)).toEqual([])
    await appendFile(file, 'ee\nfour\n')
    expect(await readOn(reader)).toEqual(['three', 'four'])
  })

  it('goes on through several rotations', async () => {
    const { file, rotated, reader } = await openReader()
    await writeFile(file, 'one\n')
    await reader.seekLast(0)
    await appendFile(file, 'two\n')
    for (const [age, text] of [
      [3, 'three\n'],
      [2, 'four\n'],
      [1, 'five\n'],
    ] as const) {
      await rename(file, rotated(age))
      await writeFile(file, text)
    }
    expect(await readOn(reader)).toEqual(['two', 'three', 'four', 'five'])
    await rename(file, rotated(0))
    expect(await readOn(reader)).toEqual([])
    await writeFile(file, 'six\n')
    expect(await readOn(reader)).toEqual(['six'])
  })

  it('goes on when the file or its folder is removed, and when it is emptied', async () => {
    const { file, reader } = await openReader()
    await writeFile(file, 'one\nhal')
    await reader.seekLast(1)
    expect(await readOn(reader)).toEqual([])
    await rm(file)
    expect(await readOn(reader)).toEqual([])
    await writeFile(file, 'two\n')
    expect(await readOn(reader)).toEqual(['hal', 'two'])
    await rm(path.dirname(file), { recursive: true })
    expect(await readOn(reader)).toEqual([])
    await mkdir(path.dirname(file))
    await writeFile(file, 'three\n')
    expect(await readOn(reader)).toEqual(['three'])
    await truncate(file)
    expect(await readOn(reader)).toEqual([])
    await appendFile(file, '4\n')
    expect(await readOn(reader)).toEqual(['4'])
  })

  it('begins with the first line of a log that was not there', async () => {
    const { file, rotated, reader } = await openReader()
    expect(await reader.seekLast(5)).toBe(false)
    expect(await readOn(reader)).toEqual([])
    await writeFile(rotated(0), 'one\n')
    await writeFile(file, 'two\n')
    expect(await readOn(reader)).toEqual(['one', 'two'])
  })

  it('misses nothing of a log that is written and rotated meanwhile', async () => {
    const { file, reader } = await openReader()
    const { logger } = createLogRecorder()
    const settings = { maxBytes: 5000, keepDays: 2 }
    const rotating = new RotatingFile({ file, settings, logger, toLostLine: (count) => `${count} lost` })
    await reader.seekLast(0)
    const lines = Array.from({ length: 20_000 }, (...[, i]) => `line ${i}`)
    const seen: string[] = []
    for (let from = 0; from < lines.length; from += 100) {
      for (const line of lines.slice(from, from + 100)) rotating.append(line)
      seen.push(...(await readOn(reader)))
    }
    await rotating.close()
    seen.push(...(await readOn(reader)))
    expect(seen).toEqual(lines)
  })
})
