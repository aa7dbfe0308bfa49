// What runs before a client comes: apps, servers, the listening end of the relay pair.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { startGuard } from '../e2e/hosts/guard.ts'

/** A process in the background that has said that it is ready. */
export interface Background {
  readonly pid: number
  /** What it printed first on stdout. */
  readonly firstLine: string
  readonly stop: () => Promise<void>
}

/** Starts a process and waits for its first line on stdout. `folder` is removed should this process be killed. */
export async function startBackground(folder: string, command: readonly string[]): Promise<Background> {
  const [program, ...args] = command
  const child: ChildProcess = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  // The log of the app belongs not into the table; it is shown when the app does not start.
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4096)
  })
  const endGuard = startGuard(child.pid!, folder)
  const exited = once(child, 'exit').finally(endGuard)
  const firstLine = await Promise.race([
    readFirstLine(child.stdout as Readable),
    exited.then(() => undefined),
  ])
  if (firstLine === undefined) throw new Error(`${command.join(' ')} exited before it was ready.\n${log}`)
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
  }
  return { pid: child.pid!, firstLine, stop }
}

function readFirstLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let read = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      read += text
      const end = read.indexOf('\n')
      if (end !== -1) resolve(read.slice(0, end))
    })
  })
}
