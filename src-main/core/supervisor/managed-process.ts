import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { statSync } from 'node:fs'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isGroupAlive, killTree } from './kill-tree.ts'

/** What to run. No shell is involved: arguments arrive as they are. */
export interface ProcessCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; the folder Patchbay runs in when left out. */
  readonly cwd: string | undefined
}

/** How long each step of an orderly stop may take, in milliseconds. */
export interface StopDeadlines {
  /** From the end of stdin to SIGTERM. */
  readonly closeMs: number
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number
}

const defaultDeadlines: StopDeadlines = { closeMs: 2000, terminateMs: 2000 }

/** A child process with all that it starts in turn, which can be waited for and stopped. */
export class ManagedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles once it has exited or could not be started, with a sentence that says which. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess | undefined
  readonly #platform: NodeJS.Platform
  #hasExited = false
  #stopping: Promise<void> | undefined

  constructor(command: ProcessCommand, platform: NodeJS.Platform) {
    this.#platform = platform
    const child = trySpawn(command, platform)
    if (child instanceof Error) {
      // Streams that are over, so that nobody has to ask whether there are any.
      this.stdin = new PassThrough().destroy()
      this.stdout = new PassThrough().destroy()
      this.stderr = new PassThrough().destroy()
      this.#hasExited = true
      this.exited = Promise.resolve(toStartFailure(command, child))
      return
    }
    this.#child = child
    this.stdin = child.stdin
    this.stdout = child.stdout
    this.stderr = child.stderr
    this.exited = new Promise((resolve) => {
      const settle = (text: string): void => {
        this.#hasExited = true
        resolve(text)
      }
      child.once('error', (error) => {
        // Also emitted when a signal cannot be sent: then the process is still there.
        if (child.pid === undefined) settle(toStartFailure(command, error))
      })
      child.once('exit', (code, signal) => {
        settle(signal === null ? `it exited with code ${code ?? 'unknown'}` : `it was ended by ${signal}`)
      })
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Ends it and all it started: stdin is closed, then TERM, then KILL, each with a deadline. */
  stop(deadlines: StopDeadlines = defaultDeadlines): Promise<void> {
    this.#stopping ??= this.#stop(deadlines)
    return this.#stopping
  }

  async #stop({ closeMs, terminateMs }: StopDeadlines): Promise<void> {
    const { pid } = this
    if (pid === undefined) return
    if (!this.stdin.destroyed) this.stdin.end()
    await this.#isGoneWithin(pid, closeMs)
    if (!this.#isGone(pid)) {
      killTree(pid, 'terminate', this.#platform)
      await this.#isGoneWithin(pid, terminateMs)
    }
    if (!this.#isGone(pid)) {
      killTree(pid, 'kill', this.#platform)
      await this.#isGoneWithin(pid, terminateMs)
    }
    this.stdout.destroy()
    this.stderr.destroy()
  }

  #isGone(pid: number): boolean {
    return this.#hasExited && !isGroupAlive(pid, this.#platform)
  }

  async #isGoneWithin(pid: number, milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds
    await Promise.race([this.exited, delay(milliseconds, undefined, { ref: false })])
    // What the exited leader left behind tells nobody when it ends: look until the deadline.
    while (!this.#isGone(pid) && performance.now() < deadline) await delay(20)
  }
}

/** Starts the process, or says why it cannot be: some failures are thrown, others come as events. */
function trySpawn(
  { command, args, cwd, env }: ProcessCommand,
  platform: NodeJS.Platform,
): ChildProcessWithoutNullStreams | Error {
  try {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that the whole tree can be ended. On Windows this would open a console.
      detached: platform !== 'win32',
      windowsHide: true,
    })
    if (child.stdin as unknown) return child
    // Out of file descriptors: the event that says so is still to come, to nobody.
    child.on('error', () => undefined)
    return Object.assign(new Error('Too many files are open.'), { code: 'EMFILE' })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function toStartFailure(command: ProcessCommand, error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (command.cwd !== undefined && !isFolder(command.cwd)) {
    return `its working directory “${command.cwd}” is not there or is no folder`
  }
  if (code === 'ENOENT') return `its command “${command.command}” was not found`
  if (code === 'EACCES') return `its command “${command.command}” may not be run`
  return `its command “${command.command}” could not be started (${code ?? error.message})`
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Not there, or where this user cannot look: either way nothing can run in it.
    return false
  }
}
