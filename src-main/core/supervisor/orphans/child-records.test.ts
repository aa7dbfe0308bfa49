import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { findStartedAt } from '../process-table.ts'
import { ChildRecords } from './child-records.ts'

const mark = '0123456789abcdef0123456789abcdef'
const child = { pid: process.pid, mark, server: 'files' }

async function createRecords(platform: NodeJS.Platform = 'linux') {
  const folder = path.join(await makeScratchFolder(), 'run', 'children')
  const log = createLogRecorder()
  const records = new ChildRecords({ folder, platform, logger: log.logger })
  return { folder, file: path.join(folder, `${mark}.json`), log, records }
}

describe('records of children', () => {
  it('are there at once, only for this user, and gone once the child is', async () => {
    const { folder, file, records } = await createRecords()
    records.add(child)
    const startedAt = findStartedAt(process.pid, 'linux')
    const expected = { version: 1, ...child, startedAt, owner: { pid: process.pid, startedAt } }
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(expected)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await records.readAll()).toEqual([expected])
    records.remove(mark)
    expect(await readdir(folder)).toEqual([])
    expect(await records.readAll()).toEqual([])
  })

  it('get their start times later where the system takes a while to tell', async () => {
    const { file, records } = await createRecords('darwin')
    const gone = { ...child, mark: mark.replace('0', 'f') }
    records.add(child)
    records.add(gone)
    records.remove(gone.mark)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      startedAt: null,
      owner: { startedAt: null },
    })
    await vi.waitFor(async () => {
      const text = await readFile(file, 'utf8')
      const year: unknown = expect.stringMatching(/ 20\d\d$/)
      expect(JSON.parse(text)).toMatchObject({ startedAt: year, owner: { startedAt: year } })
    }, patience)
    expect(await records.readAll()).toHaveLength(1)
  })

  it('are none where the folder is not there', async () => {
    const { records } = await createRecords()
    expect(await records.readAll()).toEqual([])
    records.remove(mark)
  })

  it('are removed with a warning when they are broken, and other files are left alone', async () => {
    const { folder, log, records } = await createRecords()
    records.add(child)
    const record = await readFile(path.join(folder, `${mark}.json`), 'utf8')
    await writeFile(path.join(folder, 'half.json'), '{"version":1,')
    await writeFile(path.join(folder, 'empty.json'), '')
    await writeFile(path.join(folder, 'misnamed.json'), record)
    // Signalling the group of pid 1 would mean every process.
    await writeFile(path.join(folder, `${'a'.repeat(32)}.json`), record.replace(/"pid":\d+/, '"pid":1'))
    await mkdir(path.join(folder, 'folder.json'))
    await writeFile(path.join(folder, 'notes.txt'), '')
    expect(await records.readAll()).toHaveLength(1)
    expect((await readdir(folder)).sort()).toEqual([`${mark}.json`, 'notes.txt'])
    expect(log.entries.map(({ level }) => level)).toEqual(Array(5).fill('warning'))
    expect(log.entries[0]?.fields['file']).toContain(folder)
  })

  it('leave no scratch file where they cannot be written to the end', async () => {
    const { folder, log, records } = await createRecords()
    // A folder in its place: the record is written, but cannot be put there.
    await mkdir(path.join(folder, `${mark}.json`, 'x'), { recursive: true })
    records.add(child)
    expect(await readdir(folder)).toEqual([`${mark}.json`])
    expect(log.entries).toMatchObject([{ level: 'warning' }])
  })

  it('are rid of the scratch files that a kill has left, once they are old', async () => {
    const { folder, log, records } = await createRecords()
    await mkdir(folder, { recursive: true })
    const names = [`${'a'.repeat(32)}.tmp`, `${'b'.repeat(32)}.tmp`, 'mine.tmp']
    for (const name of names) await writeFile(path.join(folder, name), '')
    for (const name of [names[0]!, names[2]!]) await utimes(path.join(folder, name), 0, 0)
    await mkdir(path.join(folder, `${'c'.repeat(32)}.tmp`))
    await utimes(path.join(folder, `${'c'.repeat(32)}.tmp`), 0, 0)
    expect(await records.readAll()).toEqual([])
    expect((await readdir(folder)).sort()).toEqual([names[1], `${'c'.repeat(32)}.tmp`, 'mine.tmp'])
    expect(log.entries).toEqual([])
  })

  it('are done without, with one warning, where they cannot be written', async () => {
    const { folder, log, records } = await createRecords()
    await mkdir(path.dirname(folder))
    await writeFile(folder, 'a file is in the way')
    records.add(child)
    records.add(child)
    records.remove(mark)
    const warnings = log.entries.filter(({ level }) => level === 'warning')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]?.message).toContain('It cannot be noted down')
    expect(warnings[0]?.fields['reason']).toMatch(/EEXIST|ENOTDIR/)
    expect(await records.readAll()).toEqual([])
  })
})
