// What a raw client talks over: a child process or a socket, as lines of bytes. HTTP: http-wire.ts and sse-wire.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { defaultDeadline, withDeadline } from './deadline.ts'

/** A duplex of lines and how it ends. */
export interface Wire {
  readonly input: Readable
  readonly output: Writable
  /** Process id of the other side when it is a child. */
  readonly pid: number | undefined
  /** What the child said on stderr so far. */
  readonly stderr: () => string
  /** Resolves when the other side is gone: with the exit code, or null for a signal and for sockets. */
  readonly closed: Promise<number | null>
  /** Ends our side; the other side is expected to go in its own time. */
  readonly end: () => void
  /** Cuts at once. */
  readonly destroy: () => void
  /** Goes at once in the way that the other side takes for a goodbye: a cut, unless the session outlives connections. */
  readonly leave: () => void
}

/** A child process to talk to. */
export interface Command {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment; ours when left out. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** Starts a child and makes its stdin and stdout a wire. */
export function openProcessWire({ command, args, env, cwd }: Command): Wire {
  const child = spawn(command, args, { env: env ?? process.env, cwd, stdio: 'pipe' })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A child that is gone cannot be written to; the exit code tells the test.
  child.stdin.on('error', () => undefined)
  const closed = new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      stderr += error.message
      resolve(null)
    })
    child.on('close', resolve)
  })
  return {
    input: child.stdout,
    output: child.stdin,
    pid: child.pid,
    stderr: () => stderr,
    closed,
    end: () => child.stdin.end(),
    destroy: () => child.kill('SIGKILL'),
    leave: () => child.kill('SIGKILL'),
  }
}

/** Connects to a local socket. */
export async function openSocketWire(path: string): Promise<Wire> {
  const socket = connect(path)
  await withDeadline(once(socket, 'connect'), defaultDeadline, () => `no connection to ${path}`)
  let failure = ''
  socket.on('error', (error) => {
    failure = error.message
  })
  return {
    input: socket,
    output: socket,
    pid: undefined,
    stderr: () => failure,
    closed: new Promise((resolve) => {
      socket.on('close', () => {
        resolve(null)
      })
    }),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
    leave: () => socket.destroy(),
  }
}
