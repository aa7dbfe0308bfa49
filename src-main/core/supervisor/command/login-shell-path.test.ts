import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { isRunning } from '../../../testing/script-server.ts'
import { ManagedProcess } from '../managed-process.ts'
import { LoginShellPath } from './login-shell-path.ts'

/** A login shell, as a script that gets what a shell gets. */
async function writeShell(script: string): Promise<string> {
  const shell = path.join(await makeScratchFolder(), 'shell')
  await writeFile(shell, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return shell
}

function createLoginShell(shell: string | undefined, timeoutMs = 15_000) {
  const log = createLogRecorder()
  const started: ManagedProcess[] = []
  const login = new LoginShellPath({
    // What is slow in the start-up files of whoever runs the tests is not tested here.
    env: { ...process.env, HOME: '/nonexistent', SHELL: shell },
    logger: log.logger,
    launch: (command) => {
      const child = new ManagedProcess(command, process.platform)
      started.push(child)
      return child
    },
    timeoutMs,
  })
  onTestFinished(() => login.stop())
  return { login, log, started }
}

/** Runs the command that it gets, as a shell with a PATH of its own does. */
const answering = `export PATH="/from/shell:/bin:/usr/bin"; eval "$2"`

describe('asking the login shell for its PATH', { timeout: 30_000 }, () => {
  it('asks it once, as one that is interactive and began a session', async () => {
    const record = path.join(await makeScratchFolder(), 'record')
    const shell = await writeShell(`echo "$1" >> '${record}'; ${answering}`)
    const { login, log } = createLoginShell(shell)
    expect(login.isSettled).toBe(false)
    const answers = await Promise.all([login.ask(), login.ask()])
    expect([...answers, await login.ask(), login.value]).toEqual(Array(4).fill('/from/shell:/bin:/usr/bin'))
    expect(login.isSettled).toBe(true)
    expect(await readFile(record, 'utf8')).toBe('-ilc\n')
    expect(log.entries).toEqual([])
  })

  it('is not misled by what start-up files print, the command itself included', async () => {
    const noise = `echo "PATH=/evil"; echo "<x>/evil</x>" >&2; echo "$2"; printf '\\033]0;%s\\007' "$2"`
    const { login } = createLoginShell(await writeShell(`${noise}; ${answering}; echo more`))
    expect(await login.ask()).toBe('/from/shell:/bin:/usr/bin')
  })

  it.each(['/bin/bash', '/bin/sh'])('understands %s', async (shell) => {
    const { login } = createLoginShell(shell)
    expect(await login.ask()).toContain('/bin')
  })

  it.each([undefined, '', 'zsh', '/usr/sbin/nologin', '/bin/false'])(
    'asks /bin/sh when the shell is %s',
    async (shell) => {
      const { login, log } = createLoginShell(shell)
      expect(await login.ask()).toContain('/bin')
      expect(log.entries).toEqual([])
    },
  )

  it('has the answer although something in the background holds its output open, and ends that', async () => {
    const folder = await makeScratchFolder()
    const shell = await writeShell(`sleep 600 & echo $! > '${folder}/pid'; ${answering}`)
    const { login } = createLoginShell(shell)
    expect(await login.ask()).toContain('/from/shell')
    const pid = Number(await readFile(path.join(folder, 'pid'), 'utf8'))
    await vi.waitFor(() => {
      expect(isRunning(pid)).toBe(false)
    }, patience)
  })

  it('gives up on one that hangs, ends it, and says so once', async () => {
    const { login, log, started } = createLoginShell(
      await writeShell('trap "" TERM; sleep 600; sleep 600'),
      200,
    )
    expect(await Promise.all([login.ask(), login.ask()])).toEqual([undefined, undefined])
    expect(login.isSettled).toBe(true)
    expect(log.entries).toMatchObject([
      {
        level: 'warning',
        message: 'The login shell did not tell its PATH: servers get only the one Patchbay started with.',
        fields: { reason: 'it did not answer within 0.2 s' },
      },
    ])
    expect(await login.ask()).toBeUndefined()
    expect(log.entries).toHaveLength(1)
    await started[0]?.gone
  })

  it.each([
    ['fails', 'exit 3', 'it exited with code 3'],
    ['says nothing', 'exit 0', 'it exited with code 0'],
    ['prints without end', 'yes', 'it printed too much'],
  ])('gives up on one that %s', async (...[, script, reason]) => {
    const { login, log } = createLoginShell(await writeShell(script))
    expect(await login.ask()).toBeUndefined()
    expect(log.entries).toMatchObject([{ fields: { reason } }])
  })

  it('gives up on one that is not there', async () => {
    const shell = path.join(await makeScratchFolder(), 'nowhere')
    const { login, log } = createLoginShell(shell)
    expect(await login.ask()).toBeUndefined()
    expect(log.entries).toMatchObject([{ fields: { reason: `its command “${shell}” was not found` } }])
  })

  it('says nothing about one that Patchbay ends as it stops', async () => {
    const { login, log } = createLoginShell(await writeShell('echo up; sleep 600'))
    const asked = login.ask()
    await login.stop()
    expect(await asked).toBeUndefined()
    expect(log.entries).toEqual([])
  })
})
