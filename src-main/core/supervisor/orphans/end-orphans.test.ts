import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { isRunning } from '../../../testing/script-server.ts'
import { findStartedAt, readProcesses, type ProcessRow } from '../process-table.ts'
import { findTree } from '../process-tree.ts'
import { ChildRecords, type ChildRecord } from './child-records.ts'
import { endOrphans, findFate } from './end-orphans.ts'

// Of this run alone: tests that run at the same time must not take each other's processes for orphans.
const createMark = () => randomBytes(16).toString('hex')
const mark = createMark()
// Higher than any pid that Linux gives.
const nobody = 2 ** 30

function toRecord(changes: Partial<ChildRecord>): ChildRecord {
  const owner = { pid: nobody, startedAt: null }
  return { version: 1, pid: nobody, startedAt: null, mark, server: 'files', owner, ...changes }
}

/** Ends orphans where these records are left, and tells what is left of them. */
async function endWith(records: readonly ChildRecord[]) {
  const folder = path.join(await makeScratchFolder(), 'children')
  await mkdir(folder)
  for (const record of records) {
    await writeFile(path.join(folder, `${record.mark}.json`), JSON.stringify(record))
  }
  const log = createLogRecorder()
  const found = new ChildRecords({ folder, platform: 'linux', logger: log.logger })
  const ended = await endOrphans({ records: found, platform: 'linux', logger: log.logger })
  return { ended, left: await readdir(folder), log }
}

/** Starts a process in a group of its own that prints a line once it is up. */
async function startProcess(script: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn('sh', ['-c', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  const pid = child.pid!
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, pid, line: line.toString().trim(), startedAt: findStartedAt(pid, 'linux')! }
}

const waiting = 'echo up; exec sleep 600'

describe('endOrphans', { timeout: 30_000 }, () => {
  it('has nothing to do without records', async () => {
    expect(await endWith([])).toMatchObject({ ended: 0, log: { entries: [] } })
  })

  it('ends a process that has the start time of its record', async () => {
    const { child, pid, startedAt } = await startProcess(waiting)
    const exited = once(child, 'exit')
    const { ended, left, log } = await endWith([toRecord({ pid, startedAt })])
    expect(await exited).toEqual([null, 'SIGTERM'])
    expect([ended, left]).toEqual([1, []])
    expect(log.entries).toMatchObject([{ level: 'info', fields: { server: 'files', pid, processes: 1 } }])
  })

  it('never touches a process that got the pid later, nor one without the mark', async () => {
    const { pid, startedAt } = await startProcess(waiting, { PATCHBAY_CHILD: createMark() })
    const records = [
      toRecord({ pid, startedAt: `${startedAt}0` }),
      toRecord({ pid, startedAt: null, mark: createMark() }),
    ]
    const { ended, left, log } = await endWith(records)
    expect([ended, left, log.entries]).toEqual([0, [], []])
    expect(isRunning(pid)).toBe(true)
  })

  it('ends what a leader that is gone left in its group, by their mark, even when it does not mind TERM', async () => {
    const stubborn = `trap "" TERM; echo $$; while :; do sleep 1; done`
    const script = `sh -c '${stubborn}' & exit 0`
    const { child, pid, line } = await startProcess(script, { PATCHBAY_CHILD: mark })
    if (child.exitCode === null) await once(child, 'exit')
    const { ended, left } = await endWith([toRecord({ pid, startedAt: 'boot:1' })])
    expect([ended, left]).toEqual([1, []])
    expect(isRunning(Number(line))).toBe(false)
  })

  it('ends what left the group too, as a descendant', async () => {
    const script = `setsid sh -c 'echo $$; sleep 600 & env -u PATCHBAY_CHILD setsid sleep 600' & sleep 600`
    const { pid, line, startedAt } = await startProcess(script, { PATCHBAY_CHILD: mark })
    const outsider = Number(line)
    await vi.waitFor(async () => {
      expect((await readProcesses('linux')).filter((row) => row.parent === outsider)).toHaveLength(2)
    }, patience)
    const descendants = (await readProcesses('linux')).filter((row) => row.parent === outsider)
    const { ended, left } = await endWith([toRecord({ pid, startedAt })])
    expect([ended, left]).toEqual([1, []])
    expect([pid, outsider, ...descendants.map((row) => row.pid)].filter(isRunning)).toEqual([])
  })

  it('ends what went its own way, by its mark', async () => {
    // The shell between is gone: what it started has no parent of the server's.
    const script = `(setsid sh -c 'echo $$; exec sleep 600' &); exec sleep 600`
    const { pid, line, startedAt } = await startProcess(script, { PATCHBAY_CHILD: mark })
    const astray = Number(line)
    await vi.waitFor(async () => {
      const tree = findTree(await readProcesses('linux'), (row) => row.pid === pid)
      expect(tree.map((row) => row.pid)).toEqual([pid])
    }, patience)
    const { ended, left } = await endWith([toRecord({ pid, startedAt })])
    expect([ended, left]).toEqual([1, []])
    expect([pid, astray].filter(isRunning)).toEqual([])
  })

  it('leaves alone what was opened for the user, the mark notwithstanding', async () => {
    const folder = await makeScratchFolder()
    const opener = path.join(folder, 'xdg-open')
    await writeFile(opener, '#!/bin/sh\nsh -c "echo \\$\\$; exec sleep 600" & wait\n', { mode: 0o755 })
    const { pid, line, startedAt } = await startProcess(`setsid '${opener}' & exec sleep 600`, {
      PATCHBAY_CHILD: mark,
    })
    const browser = Number(line)
    const rows = await readProcesses('linux')
    const { parent } = rows.find((row) => row.pid === browser)!
    onTestFinished(() => {
      for (const one of [browser, parent]) process.kill(one, 'SIGKILL')
    })
    expect(await endWith([toRecord({ pid, startedAt })])).toMatchObject({ ended: 1, left: [] })
    expect([pid, browser].filter(isRunning)).toEqual([browser])
  })

  it('leaves alone what another Patchbay that still runs has started, and its record', async () => {
    const { pid, startedAt } = await startProcess(waiting, { PATCHBAY_CHILD: mark })
    const owner = { pid: process.pid, startedAt: findStartedAt(process.pid, 'linux')! }
    expect(await endWith([toRecord({ pid, startedAt, owner })])).toMatchObject({
      ended: 0,
      left: [`${mark}.json`],
    })
    expect(isRunning(pid)).toBe(true)
  })

  it('says so when it cannot be told what runs', async () => {
    const log = createLogRecorder()
    const records = new ChildRecords({ folder: '/', platform: 'linux', logger: log.logger })
    vi.spyOn(records, 'readAll').mockRejectedValue(new Error('no disk'))
    expect(await endOrphans({ records, platform: 'linux', logger: log.logger })).toBe(0)
    expect(log.entries).toMatchObject([{ level: 'warning', fields: { reason: 'no disk' } }])
  })
})

describe('findFate', () => {
  const toRow = (pid: number, changes: Partial<ProcessRow> = {}): ProcessRow => ({
    pid,
    name: 'server',
    parent: 1,
    group: pid,
    startedAt: `start of ${pid}`,
    isStopped: false,
    isZombie: false,
    ...changes,
  })
  const marks = new Map<number, string>()
  const leader = toRow(10)
  const record = toRecord({ pid: 10, startedAt: 'start of 10' })

  it('finds nothing left of a process that is only a corpse', () => {
    expect(findFate(record, { rows: [toRow(10, { isZombie: true })], marks })).toEqual({ type: 'gone' })
  })

  it('finds all of the group of one that is certain, and what descends from it', () => {
    const rows = [leader, toRow(11, { group: 10 }), toRow(12, { parent: 11 }), toRow(13)]
    const members = rows.slice(0, 3)
    expect(findFate(record, { rows, marks })).toEqual({ type: 'orphaned', members, ownsGroup: true })
  })

  it('does not take the group of another process for ours when only an outsider is', () => {
    const rows = [toRow(10, { startedAt: 'later' }), toRow(12)]
    expect(findFate(record, { rows, marks: new Map([[12, mark]]) })).toEqual({
      type: 'orphaned',
      members: [rows[1]],
      ownsGroup: false,
    })
  })

  it('finds what has the mark in the group of a leader that is gone, and its descendants', () => {
    const rows = [toRow(11, { group: 10 }), toRow(12, { parent: 11 }), toRow(13)]
    const members = rows.slice(0, 2)
    const all = new Map([[11, mark]])
    expect(findFate(record, { rows, marks: all })).toEqual({ type: 'orphaned', members, ownsGroup: true })
  })

  it('keeps a tree that Patchbay itself runs in', () => {
    const rows = [leader, toRow(11, { parent: 10 })]
    expect(findFate(record, { rows, marks }, 11)).toEqual({ type: 'kept' })
  })

  it('keeps what has its Patchbay, and not for one that got the pid of that later', () => {
    const rows = [leader, toRow(20)]
    const owned = (startedAt: string | null) => toRecord({ ...record, owner: { pid: 20, startedAt } })
    expect(findFate(owned('start of 20'), { rows, marks })).toEqual({ type: 'kept' })
    expect(findFate(owned(null), { rows, marks })).toEqual({ type: 'kept' })
    expect(findFate(owned('before'), { rows, marks }).type).toBe('orphaned')
    const corpse = toRow(20, { isZombie: true })
    expect(findFate(owned('start of 20'), { rows: [leader, corpse], marks }).type).toBe('orphaned')
  })
})
