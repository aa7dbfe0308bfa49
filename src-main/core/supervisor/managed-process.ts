import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { statSync } from 'node:fs'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isGroupAlive } from './kill-tree.ts'
import { isStopped } from './process-table.ts'
import { ProcessTree } from './process-tree.ts'

/** What to run. No shell is involved: arguments arrive as they are. */
export interface ProcessCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; the folder Patchbay runs in when left out. */
  readonly cwd: string | undefined
  /** Windows only: the arguments are quoted already, as cmd.exe wants it. */
  readonly verbatim?: boolean
}

/** How long each step of an orderly stop may take, in milliseconds. */
export interface StopDeadlines {
  /** From the end of stdin to SIGTERM. */
  readonly closeMs: number
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number
}

const defaultDeadlines: StopDeadlines = { closeMs: 2000, terminateMs: 2000 }
const leftBehindMs = 500

/** A child process with all that it starts in turn, which can be waited for and stopped. */
export class ManagedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles once it has exited or could not be started, with a sentence that says which. Never rejects. */
  readonly exited: Promise<string>
  /** Settles once nothing of it and of what it started is left: as it exits, else when it was stopped. Never rejects. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess | undefined
  readonly #tree: ProcessTree | undefined
  readonly #platform: NodeJS.Platform
  readonly #settleGone: () => void
  #hasExited = false
  #isGone = false
  #stopping: Promise<void> | undefined

  constructor(command: ProcessCommand, platform: NodeJS.Platform) {
    let settleGone: () => void = () => undefined
    this.gone = new Promise((resolve) => {
      settleGone = resolve
    })
    this.#settleGone = () => {
      this.#isGone = true
      settleGone()
    }
    this.#platform = platform
    const child = trySpawn(command, platform)
    if (child instanceof Error) {
      // Streams that are over, so that nobody has to ask whether there are any.
      this.stdin = new PassThrough().destroy()
      this.stdout = new PassThrough().destroy()
      this.stderr = new PassThrough().destroy()
      this.#hasExited = true
      this.#settleGone()
      this.exited = Promise.resolve(toStartFailure(command, child))
      return
    }
    const { pid } = child
    this.#child = child
    this.#tree = pid === undefined ? undefined : new ProcessTree({ leader: pid, ownsGroup: true, platform })
    this.stdin = child.stdin
    this.stdout = child.stdout
    this.stderr = child.stderr
    this.exited = new Promise((resolve) => {
      const settle = (text: string): void => {
        this.#hasExited = true
        // While it is being stopped, that goes on to look for what left the group.
        if (pid === undefined || (!this.#stopping && !isGroupAlive(pid, platform))) this.#settleGone()
        resolve(text)
      }
      child.once('error', (error) => {
        // Also emitted when a signal cannot be sent: then the process is still there.
        if (pid === undefined) settle(toStartFailure(command, error))
      })
      child.once('exit', (code, signal) => {
        settle(signal === null ? `it exited with code ${code ?? 'unknown'}` : `it was ended by ${signal}`)
      })
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Ends it and all it started: stdin is closed, then TERM, then KILL, each with a deadline. That goes for what left its
   * process group too, unless it had cut itself off from the tree before.
   */
  stop(deadlines: StopDeadlines = defaultDeadlines): Promise<void> {
    this.#stopping ??= this.#stop(deadlines)
    return this.#stopping
  }

  async #stop(deadlines: StopDeadlines): Promise<void> {
    const tree = this.#tree
    // A group that is gone is not looked for again: its number may be somebody else's by now.
    if (tree !== undefined && !this.#isGone && (await this.#endTree(tree, deadlines))) this.#settleGone()
    this.stdout.destroy()
    this.stderr.destroy()
  }

  /** Whether all of it is gone in the end. */
  async #endTree(tree: ProcessTree, { closeMs, terminateMs }: StopDeadlines): Promise<boolean> {
    await tree.look()
    if (!this.stdin.destroyed) this.stdin.end()
    // One that is suspended takes notice of nothing but its end.
    const isSuspended = !this.#hasExited && (await isStopped(this.pid ?? 0, this.#platform))
    if (!isSuspended) {
      // What a process that is gone has left behind gets less time to end by itself: its successor waits for it.
      const graceMs = this.#hasExited ? Math.min(closeMs, leftBehindMs) : closeMs
      if (await this.#isGoneWithin(tree, graceMs)) return true
      await tree.end('terminate')
      if (await this.#isGoneWithin(tree, terminateMs)) return true
    }
    await tree.end('kill')
    return this.#isGoneWithin(tree, terminateMs)
  }

  async #isGoneWithin(tree: ProcessTree, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds
    await Promise.race([this.exited, delay(milliseconds, undefined, { ref: false })])
    // What the exited leader left behind tells nobody when it ends: it is looked for until the deadline.
    return this.#hasExited && tree.isGoneWithin(deadline - performance.now())
  }
}

/** Starts the process, or says why it cannot be: some failures are thrown, others come as events. */
function trySpawn(
  { command, args, cwd, env, verbatim = false }: ProcessCommand,
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
      windowsVerbatimArguments: verbatim,
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
    return `its working directory “${command.cwd}” is not there or is no folder: make it, or mend cwd`
  }
  if (code === 'ENOENT') return `its command “${command.command}” was not found`
  if (code === 'EACCES')
    return `its command “${command.command}” may not be run: make it executable (chmod +x), or name it as the argument of the program that runs it`
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
