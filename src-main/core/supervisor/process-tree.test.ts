import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { isRunning } from '../../testing/script-server.ts'
import { isGroupAlive } from './kill-tree.ts'
import { readProcesses, type ProcessRow } from './process-table.ts'
import { findTree, ProcessTree } from './process-tree.ts'

const children: ChildProcess[] = []

async function startSleep(): Promise<{ child: ChildProcess; row: ProcessRow }> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true })
  children.push(child)
  const row = (await readProcesses('linux')).find((one) => one.pid === child.pid)
  return { child, row: row! }
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('findTree', () => {
  const toRow = (pid: number, parent: number, isZombie = false): ProcessRow => ({
    pid,
    name: 'server',
    parent,
    group: 0,
    startedAt: '1',
    isStopped: false,
    isZombie,
  })

  it('finds what is meant with all that descends from it, once, and no corpses', () => {
    const rows = [toRow(5, 4), toRow(4, 3), toRow(3, 1), toRow(6, 4, true), toRow(7, 1), toRow(1, 1)]
    expect(findTree(rows, ({ pid }) => pid === 3 || pid === 4).map(({ pid }) => pid)).toEqual([4, 3, 5])
    expect(findTree(rows, ({ pid }) => pid === 1)).toHaveLength(5)
    expect(findTree(rows, ({ pid }) => pid === 6)).toEqual([])
  })

  it('leaves to the user what was opened for the user', () => {
    const rows = [toRow(3, 1), { ...toRow(4, 3), name: 'xdg-open' }, toRow(5, 4), toRow(6, 5), toRow(7, 3)]
    expect(findTree(rows, ({ pid }) => pid === 3 || pid === 6).map(({ pid }) => pid)).toEqual([3, 7])
  })
})

describe('a process tree', { timeout: 20_000 }, () => {
  it('never touches a process that has the pid of a member, but another start time', async () => {
    const { row } = await startSleep()
    const member = { ...row, startedAt: 'before' }
    const tree = new ProcessTree({ leader: row.pid, ownsGroup: false, members: [member], platform: 'linux' })
    await tree.end('kill')
    expect(await tree.isGoneWithin(0)).toBe(true)
    expect(isRunning(row.pid)).toBe(true)
  })

  it('never touches a group whose number came again after it had been empty', async () => {
    const { child, row } = await startSleep()
    const tree = new ProcessTree({ leader: row.pid, ownsGroup: true, platform: 'linux' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await tree.isGoneWithin(15_000)).toBe(true)
    const kill = vi.spyOn(process, 'kill')
    await tree.end('kill')
    expect(kill).not.toHaveBeenCalled()
  })

  it('ends a member that left the group', async () => {
    const { child, row } = await startSleep()
    const leader = 4_000_000
    const tree = new ProcessTree({ leader, ownsGroup: false, members: [row], platform: 'linux' })
    expect(await tree.isGoneWithin(0)).toBe(false)
    const exited = once(child, 'exit')
    await tree.end('terminate')
    expect(await exited).toEqual([null, 'SIGTERM'])
    expect(await tree.isGoneWithin(15_000)).toBe(true)
  })

  it('takes a group of corpses for gone', async () => {
    // It leaves the group and becomes another program, which does not know that it has a child to bury.
    const careless = 'sleep 0.3 & exec setsid sleep 600'
    const child = spawn('sh', ['-c', `sh -c '${careless}' & echo $!`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    children.push(child)
    const exited = once(child, 'exit')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    await exited
    onTestFinished(() => void process.kill(Number(line.toString()), 'SIGKILL'))
    const leader = child.pid!
    await vi.waitFor(async () => {
      const group = (await readProcesses('linux')).filter((row) => row.group === leader)
      expect(group.map((row) => row.isZombie)).toEqual([true])
    }, patience)
    expect(isGroupAlive(leader, 'linux')).toBe(true)
    expect(await new ProcessTree({ leader, ownsGroup: true, platform: 'linux' }).isGoneWithin(0)).toBe(true)
  })

  it('still ends the group where there is no process table', async () => {
    const { child, row } = await startSleep()
    vi.stubEnv('PATH', await makeScratchFolder())
    const tree = new ProcessTree({ leader: row.pid, ownsGroup: true, members: [row], platform: 'darwin' })
    const exited = once(child, 'exit')
    await tree.end('terminate')
    expect(await exited).toEqual([null, 'SIGTERM'])
    expect(await tree.isGoneWithin(15_000)).toBe(true)
  })

  it('neither signals nor forgets what left the group where there is no process table', async () => {
    const { row } = await startSleep()
    vi.stubEnv('PATH', await makeScratchFolder())
    const leader = 4_000_000
    const tree = new ProcessTree({ leader, ownsGroup: false, members: [row], platform: 'darwin' })
    await tree.end('kill')
    expect(await tree.isGoneWithin(0)).toBe(false)
    expect(isRunning(row.pid)).toBe(true)
  })
})
