import { once } from 'node:events'
import { chmod, readFile, realpath, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { isRunning } from '../../testing/script-server.ts'
import { ManagedProcess, type ProcessCommand } from './managed-process.ts'
import { readProcesses } from './process-table.ts'

const started: ManagedProcess[] = []

function start(
  changes: Partial<ProcessCommand>,
  platform: NodeJS.Platform = process.platform,
): ManagedProcess {
  const command = { command: process.execPath, args: [], env: process.env, cwd: undefined, ...changes }
  const child = new ManagedProcess(command, platform)
  started.push(child)
  return child
}

function startScript(script: string, platform?: NodeJS.Platform): ManagedProcess {
  return start({ args: ['-e', script] }, platform)
}

async function readLine(child: ManagedProcess): Promise<string> {
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return chunk.toString().trim()
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop({ closeMs: 0, terminateMs: 0 })))
})

describe('starting a process', { timeout: 20_000 }, () => {
  it('runs it without a shell, in its folder, with its environment and arguments as they are', async () => {
    const cwd = await realpath(await makeScratchFolder())
    const script = 'console.log(JSON.stringify([process.cwd(), process.env.KEY, process.argv.slice(1)]))'
    const env = { PATH: process.env['PATH'], KEY: 'a b' }
    const child = start({ args: ['-e', script, '--', '$HOME', 'a "b'], env, cwd })
    expect(JSON.parse(await readLine(child))).toEqual([cwd, 'a b', ['$HOME', 'a "b']])
    expect(await child.exited).toBe('it exited with code 0')
  })

  it('tells the code that it exited with, and the signal that ended it', async () => {
    expect(await startScript('process.exit(7)').exited).toBe('it exited with code 7')
    expect(await startScript('process.kill(process.pid, "SIGKILL")').exited).toBe('it was ended by SIGKILL')
  })

  it('tells that its command was not found', async () => {
    const child = start({ command: 'no-such-command-here' })
    expect(await child.exited).toBe('its command “no-such-command-here” was not found')
    expect(child.pid).toBeUndefined()
  })

  it('tells that its working directory is not there', async () => {
    const cwd = path.join(await makeScratchFolder(), 'nowhere')
    expect(await start({ cwd }).exited).toBe(
      `its working directory “${cwd}” is not there or is no folder: make it, or mend cwd`,
    )
  })

  it('tells that its working directory is a file', async () => {
    const cwd = path.join(await makeScratchFolder(), 'file')
    await writeFile(cwd, '')
    expect(await start({ cwd }).exited).toBe(
      `its working directory “${cwd}” is not there or is no folder: make it, or mend cwd`,
    )
  })

  it.each([
    ['too long', `/${'x'.repeat(300)}`],
    ['no path', '/a\0b'],
  ])('tells that its working directory cannot even be looked at: %s', async (...[, cwd]) => {
    expect(await start({ cwd }).exited).toBe(
      `its working directory “${cwd}” is not there or is no folder: make it, or mend cwd`,
    )
  })

  it('tells that its command leads through a file', async () => {
    const file = path.join(await makeScratchFolder(), 'file')
    await writeFile(file, '')
    expect(await start({ command: `${file}/server` }).exited).toContain(`“${file}/server”`)
  })

  it('tells that an argument cannot be given to any process', async () => {
    expect(await start({ args: ['a\0b'] }).exited).toContain('could not be started')
  })

  it('tells that its command may not be run', async () => {
    const command = path.join(await makeScratchFolder(), 'server.sh')
    await writeFile(command, '#!/bin/sh\n', { mode: 0o644 })
    expect(await start({ command }).exited).toBe(
      `its command “${command}” may not be run: make it executable (chmod +x), or name it as the argument of the program that runs it`,
    )
    await chmod(command, 0o755)
    expect(await start({ command }).exited).toBe('it exited with code 0')
  })
})

describe('stopping a process', { timeout: 20_000 }, () => {
  it('closes its stdin and sends no signal to one that ends by that', async () => {
    const child = startScript(`
      process.on('SIGTERM', () => process.exit(1))
      process.stdin.resume().on('end', () => process.exit(5))
      console.log('up')
    `)
    await readLine(child)
    await child.stop({ closeMs: 15_000, terminateMs: 15_000 })
    expect(await child.exited).toBe('it exited with code 5')
    expect(child.stdout.destroyed && child.stderr.destroyed).toBe(true)
  })

  it('sends TERM to one that does not mind the end of its stdin', async () => {
    const child = startScript(`
      process.on('SIGTERM', () => process.exit(6))
      setInterval(() => {}, 1000)
      console.log('up')
    `)
    await readLine(child)
    await child.stop({ closeMs: 50, terminateMs: 15_000 })
    expect(await child.exited).toBe('it exited with code 6')
  })

  it('kills one that minds nothing', async () => {
    const child = startScript(`
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 1000)
      console.log('up')
    `)
    await readLine(child)
    await child.stop({ closeMs: 20, terminateMs: 50 })
    expect(await child.exited).toBe('it was ended by SIGKILL')
  })

  it('ends what it started too, even when it exits first itself', async () => {
    const child = startScript(`
      const { spawn } = require('node:child_process')
      const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
      console.log(pid)
      process.stdin.resume().on('end', () => process.exit(0))
    `)
    const grandchild = Number(await readLine(child))
    expect(isRunning(grandchild)).toBe(true)
    await child.stop({ closeMs: 200, terminateMs: 2000 })
    await vi.waitFor(() => {
      expect(isRunning(grandchild)).toBe(false)
    }, patience)
    expect(await child.exited).toBe('it exited with code 0')
  })

  it('gives what it started time to end by itself, when it exited first', async () => {
    const marker = path.join(await makeScratchFolder(), 'marker')
    const slow = `
      const end = () => { require('node:fs').writeFileSync(${JSON.stringify(marker)}, 'in order'); process.exit(0) }
      process.stdin.resume().on('end', () => setTimeout(end, 100))
      console.log('up')
    `
    const child = startScript(`
      const { spawn } = require('node:child_process')
      const slow = spawn(process.execPath, ['-e', ${JSON.stringify(slow)}], { stdio: ['inherit', 'pipe', 'ignore'] })
      slow.stdout.once('data', () => process.exit(0))
    `)
    await child.exited
    await child.stop({ closeMs: 15_000, terminateMs: 15_000 })
    expect(await readFile(marker, 'utf8')).toBe('in order')
  })

  it('kills what it started when that does not mind TERM', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`
    const child = startScript(`
      const { spawn } = require('node:child_process')
      const stubborn = spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { stdio: ['ignore', 'pipe', 'ignore'] })
      stubborn.stdout.once('data', () => console.log(stubborn.pid))
      process.stdin.resume().on('end', () => process.exit(0))
    `)
    const grandchild = Number(await readLine(child))
    await child.stop({ closeMs: 50, terminateMs: 50 })
    await vi.waitFor(() => {
      expect(isRunning(grandchild)).toBe(false)
    }, patience)
  })

  it('ends what left its process group but is still its child, even when that does not mind TERM', async () => {
    const stubborn = `trap "" TERM; echo $$; while :; do sleep 1; done`
    const child = startScript(`
      const { spawn } = require('node:child_process')
      spawn('setsid', ['sh', '-c', ${JSON.stringify(stubborn)}], { stdio: ['ignore', 'inherit', 'ignore'] })
      process.stdin.resume().on('end', () => process.exit(0))
    `)
    const grandchild = Number(await readLine(child))
    expect((await readProcesses('linux')).find((row) => row.pid === grandchild)?.group).toBe(grandchild)
    await child.stop({ closeMs: 100, terminateMs: 300 })
    expect(isRunning(grandchild)).toBe(false)
    expect(await child.exited).toBe('it exited with code 0')
    await child.gone
  })

  it('leaves alone what had cut itself off from the tree before', async () => {
    const child = startScript(`
      const { spawn } = require('node:child_process')
      spawn('setsid', ['-f', 'sh', '-c', 'echo $$; exec sleep 600'], { stdio: ['ignore', 'inherit', 'ignore'] })
      process.stdin.resume().on('end', () => process.exit(0))
    `)
    const daemon = Number(await readLine(child))
    onTestFinished(() => void process.kill(daemon, 'SIGKILL'))
    await vi.waitFor(async () => {
      const row = (await readProcesses('linux')).find((one) => one.pid === daemon)
      expect(row?.parent).not.toBe(child.pid)
      expect((await readProcesses('linux')).filter((one) => one.group === child.pid)).toHaveLength(1)
    }, patience)
    await child.stop()
    expect(isRunning(daemon)).toBe(true)
  })

  it('tells once all of it is gone: as it exits when it leaves nothing behind', async () => {
    const child = startScript('')
    await child.gone
    expect(await child.exited).toBe('it exited with code 0')
    await start({ command: 'no-such-command-here' }).gone
    await start({ args: ['a\0b'] }).gone
  })

  it('does not tell so as long as what it started is there', async () => {
    const child = startScript(`
      require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' }).once('spawn', () => process.exit(0))
    `)
    let isGone = false
    void child.gone.then(() => (isGone = true))
    await child.exited
    await new Promise(setImmediate)
    expect(isGone).toBe(false)
    await child.stop({ closeMs: 0, terminateMs: 15_000 })
    await child.gone
  })

  it('is over at once for one that is gone or was never there', async () => {
    const gone = startScript('')
    await gone.exited
    const never = start({ command: 'no-such-command-here' })
    const began = performance.now()
    await gone.stop({ closeMs: 60_000, terminateMs: 60_000 })
    await never.stop({ closeMs: 60_000, terminateMs: 60_000 })
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it('is done once, however often it is asked for', async () => {
    const child = startScript('process.stdin.resume()')
    const stopping = child.stop()
    expect(child.stop({ closeMs: 0, terminateMs: 0 })).toBe(stopping)
    await stopping
    expect(await child.exited).toBe('it exited with code 0')
  })
})
