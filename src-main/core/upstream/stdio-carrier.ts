import { LineSplitter } from '#base/json-lines.ts'
import { LineWriter } from '#base/line-writer.ts'
import type { Logger } from '../observe/logger.ts'
import type { StdioTransport } from '../config/config.ts'
import { toChildEnvironment } from '../supervisor/child-environment.ts'
import { ManagedProcess } from '../supervisor/managed-process.ts'
import type { Carrier, CarrierListener } from './carrier.ts'

/** What a stdio carrier needs besides the command itself. */
export interface StdioCarrierOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Longest message from the server, in bytes. */
  readonly messageBytes: number
  readonly logger: Logger
}

const highWaterBytes = 8 * 1024 * 1024
const stallMs = 30_000
const halfClosedMs = 500
const openBrace = 0x7b
const openBracket = 0x5b

/** Starts a server as a child process and speaks to it by lines on its stdin and stdout. */
export function openStdioCarrier(
  transport: StdioTransport,
  options: StdioCarrierOptions,
  listener: CarrierListener,
): Carrier & { readonly pid: number | undefined } {
  const { logger, platform } = options
  const env = toChildEnvironment(options.env, transport.env)
  const child = new ManagedProcess({ ...transport, env, cwd: transport.cwd }, platform)
  /** Why we ended it, when it was us. */
  let endedBecause: string | undefined
  let hasExited = false
  const endBecause = (reason: string): void => {
    if (hasExited) return
    endedBecause ??= reason
    void child.stop({ closeMs: 0, terminateMs: 1000 })
  }
  const writer = new LineWriter(child.stdin, {
    highWaterBytes,
    stallMs,
    onCongested: () => {
      logger.warning('The server does not read its input; requests to it wait.')
    },
    onDrained: listener.onDrained,
    onStalled: () => {
      endBecause('it did not read its input')
    },
  })
  child.stdin.on('error', (error) => {
    logger.debug('Writing to the server failed.', { error: error.message })
  })
  readLines(child, options, listener)
  watchHalfClosed(child, endBecause)
  void child.exited.then((reason) => {
    hasExited = true
    writer.close()
    // What the process had written before it exited is still on its way.
    onceEnded(child, () => {
      listener.onClosed(endedBecause ?? reason)
      // A tree whose root is gone is of no use to anybody.
      void child.stop()
    })
  })

  let holds = 0
  return {
    pid: child.pid,
    get isCongested() {
      return writer.isCongested
    },
    send: (parts) => {
      writer.write(parts)
    },
    holdReading: () => {
      if (holds++ === 0) child.stdout.pause()
    },
    releaseReading: () => {
      if (--holds === 0) child.stdout.resume()
    },
    stop: () => child.stop(),
  }
}

/**
 * A server that no longer listens or speaks but lives on would leave every call waiting for its time-out. Streams also
 * close right before an exit, whose reason says more: it gets a moment to come.
 */
function watchHalfClosed(child: ManagedProcess, endBecause: (reason: string) => void): void {
  const onHalfClosed = (reason: string) => () => {
    setTimeout(endBecause, halfClosedMs, reason)
  }
  child.stdin.on('close', onHalfClosed('it closed its input'))
  child.stdout.on('end', onHalfClosed('it closed its output'))
}

function readLines(
  child: ManagedProcess,
  { messageBytes, logger }: StdioCarrierOptions,
  listener: CarrierListener,
): void {
  const stdout = new LineSplitter({
    maxBytes: messageBytes,
    onLine: (line) => {
      const message = line.subarray(findStart(line))
      if (message[0] === openBrace || message[0] === openBracket) listener.onLine(message)
      else logger.debug('The server wrote a line to stdout that is no message.', { bytes: line.length })
    },
    onTooLong: listener.onTooLong,
  })
  const stderr = new LineSplitter({
    maxBytes: 64 * 1024,
    onLine: (line) => {
      logger.debug('stderr', { text: line.toString('utf8', 0, 2000) })
    },
    onTooLong: (first) => {
      logger.debug('stderr', { text: first.toString() })
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
  })
  child.stdout.on('end', () => {
    stdout.end()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk)
  })
  child.stderr.on('end', () => {
    stderr.end()
  })
}

/** Where a line's text begins, after a byte order mark and white space. */
function findStart(line: Buffer): number {
  let at = line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0
  while (line[at] === 0x20 || line[at] === 0x09) at++
  return at
}

const drainMs = 500

/** Calls back once stdout is over; a grandchild that keeps it open is not waited for long. */
function onceEnded(child: ManagedProcess, done: () => void): void {
  if (child.pid === undefined || child.stdout.readableEnded || child.stdout.destroyed) {
    done()
    return
  }
  const timer = setTimeout(finish, drainMs)
  child.stdout.once('close', finish)
  child.stdout.once('end', finish)
  let finished = false
  function finish(): void {
    if (finished) return
    finished = true
    clearTimeout(timer)
    done()
  }
}
