import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import {
  findStartedAt,
  isStopped,
  parseCimTable,
  parseProcStat,
  parsePsTable,
  readProcesses,
} from './process-table.ts'

const children: ChildProcess[] = []

function startSleep(): { child: ChildProcess; pid: number } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true })
  children.push(child)
  return { child, pid: child.pid! }
}

/** Makes a program of that name the only one in PATH. */
async function stubTool(name: string, script: string): Promise<void> {
  const folder = await makeScratchFolder()
  await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(path.join(folder, name), 0o755)
  vi.stubEnv('PATH', folder)
}

afterEach(() => {
  vi.unstubAllEnvs()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('readProcesses', { timeout: 20_000 }, () => {
  it.each(['linux', 'darwin'] as const)(
    'finds a child with its parent and group, as on %s',
    async (platform) => {
      const { pid } = startSleep()
      const row = (await readProcesses(platform)).find((one) => one.pid === pid)
      expect(row).toMatchObject({ parent: process.pid, group: pid, isStopped: false, isZombie: false })
      expect(row?.startedAt).not.toBe('')
      expect((await readProcesses(platform)).find((one) => one.pid === pid)).toEqual(row)
    },
  )

  it('tells a start time on Linux that is the same when it is asked for one process', async () => {
    const { child, pid } = startSleep()
    const row = (await readProcesses('linux')).find((one) => one.pid === pid)
    expect(findStartedAt(pid, 'linux')).toBe(row?.startedAt)
    expect(findStartedAt(pid, 'darwin')).toBeUndefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(findStartedAt(pid, 'linux')).toBeUndefined()
  })

  it('asks PowerShell on Windows', async () => {
    await stubTool('powershell.exe', `echo '[{"pid":7,"startedAt":"133"}]'`)
    expect(await readProcesses('win32')).toMatchObject([{ pid: 7, startedAt: '133' }])
  })

  it('rejects when the system does not tell', async () => {
    await stubTool('other', '')
    await expect(readProcesses('darwin')).rejects.toThrow('ENOENT')
  })
})

describe('isStopped', { timeout: 20_000 }, () => {
  it.each(['linux', 'darwin'] as const)(
    'tells a suspended process from a running one, as on %s',
    async (platform) => {
      const { child, pid } = startSleep()
      expect(await isStopped(pid, platform)).toBe(false)
      child.kill('SIGSTOP')
      await vi.waitFor(async () => {
        expect(await isStopped(pid, platform)).toBe(true)
      }, patience)
      child.kill('SIGCONT')
      await vi.waitFor(async () => {
        expect(await isStopped(pid, platform)).toBe(false)
      }, patience)
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(await isStopped(pid, platform)).toBe(false)
    },
  )

  it('knows of none on Windows', async () => {
    expect(await isStopped(process.pid, 'win32')).toBe(false)
  })
})

describe('parseProcStat', () => {
  const numbers = '4 5 5 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 69216 3133440'

  it('is not misled by a name with brackets and spaces', () => {
    expect(parseProcStat(`12 (a) S 1 1 (b)) T ${numbers}\n`, 'boot')).toEqual({
      pid: 12,
      name: 'a) S 1 1 (b)',
      parent: 4,
      group: 5,
      startedAt: 'boot:69216',
      isStopped: true,
      isZombie: false,
    })
  })

  it('tells a corpse', () => {
    expect(parseProcStat(`12 (sleep) Z ${numbers}`, 'boot')).toMatchObject({
      isZombie: true,
      isStopped: false,
    })
  })

  it('refuses anything else', () => {
    expect(() => parseProcStat('12 (sleep) S 1', 'boot')).toThrow('/proc/PID/stat')
  })
})

describe('parsePsTable', () => {
  it('reads what macOS prints, and leaves out what it does not understand', () => {
    const text = [
      '    1     0     1 Ss   Mon Nov  3 10:00:00 2025    ',
      '  501     1   500 T+   Thu Nov 20 09:05:01 2025',
      '  502   501   500 Z    Thu Nov 20 09:05:02 2025',
      'ps: something is odd',
      '',
    ].join('\n')
    expect(parsePsTable(text)).toEqual([
      {
        pid: 1,
        name: '',
        parent: 0,
        group: 1,
        startedAt: 'Mon Nov  3 10:00:00 2025',
        isStopped: false,
        isZombie: false,
      },
      {
        pid: 501,
        name: '',
        parent: 1,
        group: 500,
        startedAt: 'Thu Nov 20 09:05:01 2025',
        isStopped: true,
        isZombie: false,
      },
      {
        pid: 502,
        name: '',
        parent: 501,
        group: 500,
        startedAt: 'Thu Nov 20 09:05:02 2025',
        isStopped: false,
        isZombie: true,
      },
    ])
  })
})

describe('parseCimTable', () => {
  const row = { name: '', parent: 0, group: 0, isStopped: false, isZombie: false }

  it('reads what PowerShell prints for many processes, and for one', () => {
    expect(parseCimTable('[{"pid":0,"startedAt":""},{"pid":4,"startedAt":"133"}]\r\n')).toEqual([
      { ...row, pid: 0, startedAt: '' },
      { ...row, pid: 4, startedAt: '133' },
    ])
    expect(parseCimTable('{"pid":4,"startedAt":"133"}')).toEqual([{ ...row, pid: 4, startedAt: '133' }])
  })

  it('refuses anything else', () => {
    expect(() => parseCimTable('{"pid":"4"}')).toThrow()
  })
})
