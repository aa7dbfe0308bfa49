import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { isGroupAlive, killTree } from './kill-tree.ts'

const children: ChildProcess[] = []

/** A process that leads a group of its own and waits. */
function startLeader(): { child: ChildProcess; pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  })
  children.push(child)
  return { child, pid: child.pid! }
}

function failToKill(code: string) {
  return vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error(code), { code })
  })
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('killTree on Unix', { timeout: 20_000 }, () => {
  it.each([
    ['terminate', 'SIGTERM'],
    ['kill', 'SIGKILL'],
  ] as const)('sends %s as %s to the whole group', async (force, signal) => {
    const { child, pid } = startLeader()
    const exited = once(child, 'exit')
    expect(isGroupAlive(pid, 'linux')).toBe(true)
    killTree(pid, force, 'linux')
    expect(await exited).toEqual([null, signal])
    expect(isGroupAlive(pid, 'linux')).toBe(false)
  })

  it('takes a tree that is gone for no error', async () => {
    const { child, pid } = startLeader()
    const exited = once(child, 'exit')
    killTree(pid, 'kill', 'linux')
    await exited
    expect(() => {
      killTree(pid, 'kill', 'linux')
    }).not.toThrow()
  })

  it('takes a group that may not be signalled for alive, and leaves it alone without an error', () => {
    const kill = failToKill('EPERM')
    expect(isGroupAlive(12_345, 'linux')).toBe(true)
    kill.mockClear()
    killTree(12_345, 'kill', 'linux')
    expect(kill.mock.calls).toEqual([[-12_345, 'SIGKILL']])
  })

  it('does not hide another failure', () => {
    failToKill('EINVAL')
    expect(() => {
      killTree(12_345, 'kill', 'linux')
    }).toThrow('EINVAL')
  })
})

describe('killTree on Windows', { timeout: 20_000 }, () => {
  it('has taskkill walk the tree, by force only where that is asked for', async () => {
    const folder = await makeScratchFolder()
    const record = path.join(folder, 'record')
    await writeFile(path.join(folder, 'taskkill'), `#!/bin/sh\necho "$@" >> "${record}"\n`, { mode: 0o755 })
    vi.stubEnv('PATH', folder)
    killTree(4711, 'terminate', 'win32')
    await vi.waitFor(async () => {
      expect(await readFile(record, 'utf8')).toBe('/pid 4711 /T\n')
    }, patience)
    killTree(4711, 'kill', 'win32')
    await vi.waitFor(async () => {
      expect(await readFile(record, 'utf8')).toBe('/pid 4711 /T\n/pid 4711 /T /F\n')
    }, patience)
  })

  it('ends at least the process itself where there is no taskkill', async () => {
    const { child, pid } = startLeader()
    const exited = once(child, 'exit')
    vi.stubEnv('PATH', await makeScratchFolder())
    killTree(pid, 'kill', 'win32')
    await exited
  })

  it.each(['ESRCH', 'EPERM'])('takes %s for no error there either', async (code) => {
    const kill = failToKill(code)
    vi.stubEnv('PATH', await makeScratchFolder())
    killTree(4711, 'kill', 'win32')
    // An error in its listener would be uncaught, and fail the run.
    await vi.waitFor(() => {
      expect(kill.mock.calls).toEqual([[4711, 'SIGTERM']])
    }, patience)
  })

  it('knows no groups there', () => {
    expect(isGroupAlive(process.pid, 'win32')).toBe(false)
  })
})
