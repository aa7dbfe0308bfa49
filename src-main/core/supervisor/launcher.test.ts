import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { isRunning } from '../../testing/script-server.ts'
import type { CommandFiles } from './command/command-files.ts'
import { Launcher, type LauncherOptions, type ServerCommand } from './launcher.ts'

/** A folder with programs: scripts by their names. */
async function makePrograms(programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeScratchFolder()
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(path.join(folder, name), text, { mode: 0o755 })
  }
  return folder
}

/** A login shell that knows one more folder, but answers only once a file is there. */
async function makeSlowShell(extra: string) {
  const folder = await makeScratchFolder()
  const go = path.join(folder, 'go')
  const wait = `while [ ! -e '${go}' ]; do /bin/sleep 0.02; done`
  await writeFile(
    path.join(folder, 'shell'),
    `#!/bin/sh\necho x >> '${folder}/asked'; ${wait}; PATH="$PATH:${extra}"; eval "$2"\n`,
    { mode: 0o755 },
  )
  return {
    shell: path.join(folder, 'shell'),
    asked: path.join(folder, 'asked'),
    answer: () => writeFile(go, ''),
  }
}

async function createLauncher(changes: Partial<LauncherOptions> = {}) {
  const log = createLogRecorder()
  const recordFolder = path.join(await makeScratchFolder(), 'children')
  const launcher = new Launcher({
    env: { PATH: process.env['PATH'], SHELL: '/bin/sh' },
    platform: 'linux',
    recordFolder,
    logger: log.logger,
    ...changes,
  })
  onTestFinished(() => launcher.stop())
  return { launcher, log, recordFolder }
}

const toServer = (command: string, changes: Partial<ServerCommand> = {}): ServerCommand => ({
  command,
  args: [],
  env: {},
  ...changes,
})

describe('preparing a command', { timeout: 30_000 }, () => {
  it('finds it in the PATH that was inherited, without waiting for the login shell', async () => {
    const folder = await makePrograms({ tool: '#!/bin/sh\n' })
    const { shell, asked } = await makeSlowShell('/more')
    const { launcher } = await createLauncher({ env: { PATH: folder, SHELL: shell, PATCHBAY_HOME: '/x' } })
    const server = toServer('tool', { args: ['a b'], env: { KEY: '1' }, cwd: folder })
    expect(await launcher.prepare(server)).toEqual({
      command: path.join(folder, 'tool'),
      args: ['a b'],
      env: { PATH: folder, SHELL: shell, KEY: '1' },
      cwd: folder,
    })
    await vi.waitFor(() => access(asked), patience)
  })

  it('does not wait for a path either, be it there or not', async () => {
    const folder = await makePrograms({ tool: '#!/bin/sh\n' })
    const { shell } = await makeSlowShell('/more')
    const { launcher } = await createLauncher({ env: { PATH: '/nowhere', SHELL: shell } })
    const prepare = async (command: string, cwd?: string) =>
      (await launcher.prepare(toServer(command, { cwd }))).command
    expect(await prepare(path.join(folder, 'tool'))).toBe(path.join(folder, 'tool'))
    expect(await prepare('./tool', folder)).toBe(path.join(folder, 'tool'))
    expect(await prepare('/nowhere/tool')).toBe('/nowhere/tool')
  })

  it('reads nothing of a command that cannot be run', async () => {
    const read: string[] = []
    const files: CommandFiles = {
      canRun: () => Promise.resolve(false),
      readStart: (file) => Promise.resolve(`#!/usr/bin/env ${String(read.push(file))}`),
    }
    const { launcher } = await createLauncher({ files })
    expect((await launcher.prepare(toServer('/tmp/pipe'))).command).toBe('/tmp/pipe')
    expect(read).toEqual([])
  })

  it('waits for the login shell for a name that only that can know, and asks it once', async () => {
    const folder = await makePrograms({ tool: '#!/bin/sh\n' })
    const { shell, asked, answer } = await makeSlowShell(folder)
    const { launcher } = await createLauncher({ env: { PATH: '/bin', SHELL: shell } })
    const prepared = Promise.all([launcher.prepare(toServer('tool')), launcher.prepare(toServer('tool'))])
    let isPrepared = false
    void prepared.then(() => (isPrepared = true))
    await vi.waitFor(() => access(asked), patience)
    expect(isPrepared).toBe(false)
    await answer()
    const [first] = await prepared
    expect(first).toMatchObject({ command: path.join(folder, 'tool'), env: { PATH: `/bin:${folder}` } })
    expect((await launcher.prepare(toServer('/bin/sh'))).env['PATH']).toBe(`/bin:${folder}`)
    expect(await readFile(asked, 'utf8')).toBe('x\n')
  })

  it('waits for the program that a script needs', async () => {
    const script = (await makePrograms({ script: '#!/usr/bin/env special\n' })) + '/script'
    const folder = await makePrograms({ special: '#!/bin/sh\n' })
    const { shell, answer } = await makeSlowShell(folder)
    const { launcher } = await createLauncher({ env: { PATH: '/bin', SHELL: shell } })
    const prepared = launcher.prepare(toServer(script))
    await answer()
    expect(await prepared).toMatchObject({ command: script, env: { PATH: `/bin:${folder}` } })
  })

  it("looks only in the server's own PATH when it has one", async () => {
    const folder = await makePrograms({ tool: '#!/bin/sh\n' })
    const { shell } = await makeSlowShell(folder)
    const { launcher } = await createLauncher({ env: { PATH: folder, SHELL: shell } })
    const found = await launcher.prepare(toServer('tool', { env: { PATH: folder } }))
    expect(found).toMatchObject({ command: path.join(folder, 'tool'), env: { PATH: folder } })
    await expect(launcher.prepare(toServer('tool', { env: { PATH: '/nowhere' } }))).rejects.toThrow(
      'its command “tool” was not found in /nowhere: install it, or give its full path in the configuration',
    )
    await expect(launcher.prepare(toServer('tool', { env: { PATH: '' } }))).rejects.toThrow(
      'was not found in any folder, as its PATH names none:',
    )
  })

  it.each([
    ['npx', 'Node.js is not installed or not where Patchbay looks; install it from nodejs.org'],
    ['uvx', 'uv is not installed or not where Patchbay looks; install it from docs.astral.sh/uv'],
    ['docker', 'Docker is not installed or not where Patchbay looks; install it from docker.com'],
    ['python3', 'Python is not installed or not where Patchbay looks; install it from python.org'],
  ])('says where it looked for %s, and what to do', async (name, hint) => {
    const { launcher } = await createLauncher()
    const env = { PATH: '/a:/b:/c:/d:/e:/f' }
    await expect(launcher.prepare(toServer(name, { env }))).rejects.toThrow(
      `its command “${name}” was not found in /a, /b, /c, /d and 2 more folders: ${hint}, or give its full path`,
    )
  })

  it('says so too when it is the program that a script needs', async () => {
    const folder = await makePrograms({ tool: '#!/usr/bin/env node\n' })
    const { launcher } = await createLauncher()
    await expect(launcher.prepare(toServer('tool', { env: { PATH: folder } }))).rejects.toThrow(
      `the program “node”, which its command “tool” needs, was not found in ${folder}: Node.js is not installed`,
    )
  })

  it('goes on with what was inherited when the login shell fails', async () => {
    const folder = await makePrograms({ tool: '#!/bin/sh\n', shell: '#!/bin/sh\nexit 3\n' })
    const { launcher, log } = await createLauncher({ env: { PATH: folder, SHELL: `${folder}/shell` } })
    await expect(launcher.prepare(toServer('other'))).rejects.toThrow(`was not found in ${folder}:`)
    expect((await launcher.prepare(toServer('tool'))).env['PATH']).toBe(folder)
    expect(log.entries).toMatchObject([{ level: 'warning', fields: { reason: 'it exited with code 3' } }])
  })
})

describe('a command that is not one', { timeout: 30_000 }, () => {
  it.each([
    ['sh -c "echo x"', /leave only “sh” there and put the rest into args$/],
    ['/bin/sh -c x', /leave only “\/bin\/sh” there and put the rest into args$/],
    ['~/bin/server', /the ~ is not replaced here; write \$\{HOME\} in its place$/],
    ['no such-thing', /was not found in .*: install it, or give its full path/],
  ])('is explained: %s', async (command, sentence) => {
    const { launcher } = await createLauncher()
    await expect(launcher.prepare(toServer(command))).rejects.toThrow(sentence)
  })

  it('is not taken for one when it is a path with a space that is there', async () => {
    const { launcher } = await createLauncher()
    const folder = await makePrograms({ 'my server': '#!/bin/sh\n' })
    const command = path.join(folder, 'my server')
    await expect(launcher.prepare(toServer(command))).resolves.toMatchObject({ command })
  })
})

describe('preparing a command on Windows', () => {
  const node = String.raw`C:\nodejs`
  const script = String.raw`${node}\x\npx.js`
  const texts: Readonly<Record<string, string>> = {
    [String.raw`${node}\npx.cmd`]: '"%~dp0\\node.exe" "%~dp0\\x\\npx.js" %*\r\nnode "%~dp0\\x\\npx.js" %*',
    [String.raw`${node}\node.exe`]: '',
    [String.raw`C:\tools\run.bat`]: '@echo off',
    [script]: '',
  }
  const files: CommandFiles = {
    canRun: (file) => Promise.resolve(file in texts),
    readStart: (file) => Promise.resolve(texts[file] ?? ''),
  }
  const env = { Path: node, PATHEXT: '.exe;.cmd', SHELL: '/nowhere' }

  it('finds it by PATHEXT, and runs the script of a batch file of npm', async () => {
    const { launcher, log } = await createLauncher({ platform: 'win32', env, files })
    expect(await launcher.prepare(toServer('npx', { args: ['-y'], env: { KEY: '1' } }))).toEqual({
      command: String.raw`${node}\node.exe`,
      args: [script, '-y'],
      env: { ...env, KEY: '1' },
      cwd: undefined,
    })
    expect(log.entries).toEqual([])
  })

  it('runs another batch file by cmd.exe', async () => {
    const { launcher } = await createLauncher({ platform: 'win32', env, files })
    const prepared = await launcher.prepare(toServer('./run.bat', { cwd: 'C:\\tools' }))
    expect(prepared).toMatchObject({ command: String.raw`C:\Windows\System32\cmd.exe`, verbatim: true })
    const changed = await launcher.prepare(
      toServer('C:\\tools\\run.bat', { env: { COMSPEC: 'D:\\cmd.exe' } }),
    )
    expect(changed.command).toBe('D:\\cmd.exe')
  })

  it('says where it looked, and leaves a path that is not there to be reported as it is started', async () => {
    const { launcher } = await createLauncher({ platform: 'win32', env, files })
    await expect(launcher.prepare(toServer('uvx.exe'))).rejects.toThrow(
      'its command “uvx.exe” was not found in C:\\nodejs: uv is not installed',
    )
    expect((await launcher.prepare(toServer('C:\\nowhere\\x.exe'))).command).toBe('C:\\nowhere\\x.exe')
  })
})

describe('launching', { timeout: 30_000 }, () => {
  it('notes the child down with a mark that it carries, until it is gone', async () => {
    const { launcher, recordFolder } = await createLauncher()
    const command = { command: '/bin/sh', args: ['-c', 'echo $PATCHBAY_CHILD; cat'], env: {}, cwd: undefined }
    const child = launcher.launch(command, 'files')
    const [name = ''] = await readdir(recordFolder)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    expect(name).toBe(`${line.toString().trim()}.json`)
    const record = JSON.parse(await readFile(path.join(recordFolder, name), 'utf8')) as unknown
    expect(record).toMatchObject({ pid: child.pid, server: 'files', owner: { pid: process.pid } })
    expect(await launcher.endOrphans()).toBe(0)
    expect(isRunning(child.pid!)).toBe(true)
    await child.stop()
    expect(await readdir(recordFolder)).toEqual([])
  })

  it('notes down nothing that could not be started', async () => {
    const { launcher, recordFolder } = await createLauncher()
    await mkdir(recordFolder)
    const child = launcher.launch({ command: '/nowhere/x', args: [], env: {}, cwd: undefined }, 'files')
    expect(await child.exited).toBe('its command “/nowhere/x” was not found')
    expect(await readdir(recordFolder)).toEqual([])
  })

  it('runs the child although it cannot be noted down', async () => {
    const folder = path.join(await makeScratchFolder(), 'file')
    await writeFile(folder, '')
    const { launcher, log } = await createLauncher({ recordFolder: folder })
    const child = launcher.launch(
      { command: '/bin/sh', args: ['-c', 'exit 5'], env: {}, cwd: undefined },
      'a',
    )
    expect(await child.exited).toBe('it exited with code 5')
    expect(log.entries.filter(({ level }) => level === 'warning')).toHaveLength(1)
  })
})

describe('an app that is killed', { timeout: 30_000 }, () => {
  it('has its servers ended by the next one of its data folder, and by no other', async () => {
    const { launcher, log, recordFolder } = await createLauncher()
    // A server that minds neither the end of its input nor TERM, with a child in a session of its own.
    const server = `trap "" TERM; setsid sh -c "echo \\$\\$; exec sleep 600" & echo $$; while :; do sleep 1; done`
    const app = `
      import { Launcher } from ${JSON.stringify(path.join(import.meta.dirname, 'launcher.ts'))}
      const logger = { debug() {}, info() {}, warning() {}, error() {} }
      const recordFolder = ${JSON.stringify(recordFolder)}
      const launcher = new Launcher({ env: process.env, platform: 'linux', recordFolder, logger })
      const command = await launcher.prepare({ command: 'sh', args: ['-c', ${JSON.stringify(server)}], env: {} })
      launcher.launch(command, 'files').stdout.pipe(process.stdout)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', app], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await vi.waitFor(() => {
      expect(text).toMatch(/^\d+\n\d+\n$/)
    }, patience)
    const pids = text.trim().split('\n').map(Number)
    expect(await launcher.endOrphans()).toBe(0)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const other = await createLauncher()
    expect(await other.launcher.endOrphans()).toBe(0)
    expect(pids.filter(isRunning)).toHaveLength(2)

    expect(await launcher.endOrphans()).toBeGreaterThan(0)
    expect(pids.filter(isRunning)).toEqual([])
    expect(await readdir(recordFolder)).toEqual([])
    expect(log.entries.map(({ fields }) => fields['server'])).toContain('files')
  })
})
