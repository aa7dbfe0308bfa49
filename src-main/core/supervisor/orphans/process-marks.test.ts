import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { readProcesses } from '../process-table.ts'
import { parseEnviron, parsePsMarks, readMarks } from './process-marks.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('readMarks', { timeout: 20_000 }, () => {
  it('finds the mark of a child, and none of a process that is gone or has none', async () => {
    const child = spawn('sleep', ['600'], { env: { ...process.env, PATCHBAY_CHILD: 'abc' } })
    const other = spawn('sleep', ['600'])
    onTestFinished(() => void child.kill('SIGKILL'))
    const rows = await readProcesses('linux')
    other.kill('SIGKILL')
    await once(other, 'exit')
    const marks = await readMarks(rows, 'linux')
    expect(marks.get(child.pid!)).toBe('abc')
    expect(marks.has(other.pid!)).toBe(false)
    expect(marks.has(1)).toBe(false)
  })

  it('asks ps on macOS, and nobody on Windows', async () => {
    const folder = await makeScratchFolder()
    await writeFile(path.join(folder, 'ps'), '#!/bin/sh\necho "  7 node x A=1 PATCHBAY_CHILD=abc B=2"\n')
    await chmod(path.join(folder, 'ps'), 0o755)
    vi.stubEnv('PATH', folder)
    expect(await readMarks([], 'darwin')).toEqual(new Map([[7, 'abc']]))
    expect(await readMarks([], 'win32')).toEqual(new Map())
  })
})

describe('parseEnviron', () => {
  it('finds the variable among the others', () => {
    expect(parseEnviron('A=1\0PATCHBAY_CHILD=abc\0B=2\0')).toBe('abc')
    expect(parseEnviron('MY_PATCHBAY_CHILD=abc\0A=\nPATCHBAY_CHILD=abc\0')).toBeUndefined()
    expect(parseEnviron('')).toBeUndefined()
  })
})

describe('parsePsMarks', () => {
  it('finds the variable behind the command of each process', () => {
    const text =
      '    1 /sbin/launchd\n  501 node a b PATCHBAY_CHILD=0af1\n  502 x MY_PATCHBAY_CHILD=0af2 A=1\n'
    expect(parsePsMarks(text)).toEqual(new Map([[501, '0af1']]))
  })
})
