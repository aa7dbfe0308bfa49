import { LineSplitter } from '#base/json-lines.ts'
import { LineWriter } from '#base/line-writer.ts'
import type { Logger } from '../../observe/logger.ts'
import type { ServerOutput } from '../../observe/server-output.ts'
import type { ManagedProcess } from '../../supervisor/managed-process.ts'
import { isStopped } from '../../supervisor/process-table.ts'
import type { Carrier, CarrierListener } from './carrier.ts'
import { LastWords } from './last-words.ts'

/** What a stdio carrier needs besides the process itself. */
export interface StdioCarrierOptions {
  readonly platform: NodeJS.Platform
  /** Longest message from the server, in bytes. */
  readonly messageBytes: number
  /** Takes what the server prints besides messages. */
  readonly output: ServerOutput
  readonly logger: Logger
}

const highWaterBytes = 8 * 1024 * 1024
const stallMs = 30_000
const halfClosedMs = 500
const openBrace = 0x7b
const openBracket = 0x5b

/** Speaks to a server that is a child process by lines on its stdin and stdout. */
export function openStdioCarrier(
  child: ManagedProcess,
  options: StdioCarrierOptions,
  listener: CarrierListener,
): Carrier {
  const { logger, platform } = options
  const lastWords = new LastWords()
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
  readOutput(child, options.output, lastWords)
  watchHalfClosed(child, endBecause)
  void child.exited.then((reason) => {
    hasExited = true
    writer.close()
    // What the process had written before it exited is still on its way.
    onceEnded(child, () => {
      listener.onClosed(endedBecause ?? `${reason}${lastWords.toQuotation()}`)
      // A tree whose root is gone is of no use to anybody.
      void child.stop()
    })
  })

  let holds = 0
  return {
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
    isSuspended: async () => child.pid !== undefined && (await isStopped(child.pid, platform)),
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

const longestOutput = 64 * 1024

function readLines(
  child: ManagedProcess,
  { messageBytes, output }: StdioCarrierOptions,
  listener: CarrierListener,
): void {
  const stdout = new LineSplitter({
    maxBytes: messageBytes,
    onLine: (line) => {
      const message = line.subarray(findStart(line))
      if (message[0] === openBrace || message[0] === openBracket) listener.onLine(message)
      else output.add('stdout', line.subarray(0, longestOutput))
    },
    onTooLong: (first, last) => {
      const start = first[findStart(first)]
      if (start === openBrace || start === openBracket) listener.onTooLong(first, last)
      else output.add('stdout', first)
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
  })
  child.stdout.on('end', () => {
    stdout.end()
  })
}

function readOutput(child: ManagedProcess, output: ServerOutput, lastWords: LastWords): void {
  const take = (line: Buffer): void => {
    output.add('stderr', line)
    lastWords.add(line)
  }
  const stderr = new LineSplitter({ maxBytes: longestOutput, onLine: take, onTooLong: take })
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

/** Calls back once stdout and stderr are over; a grandchild that keeps them open is not waited for long. */
function onceEnded(child: ManagedProcess, done: () => void): void {
  const open = [child.stdout, child.stderr].filter((stream) => !stream.readableEnded && !stream.destroyed)
  if (child.pid === undefined || open.length === 0) {
    done()
    return
  }
  const rest = new Set(open)
  const timer = setTimeout(finish, drainMs)
  for (const stream of open) {
    const onEnded = (): void => {
      if (rest.delete(stream) && rest.size === 0) finish()
    }
    stream.once('close', onEnded).once('end', onEnded)
  }
  let isFinished = false
  function finish(): void {
    if (isFinished) return
    isFinished = true
    clearTimeout(timer)
    done()
  }
}
