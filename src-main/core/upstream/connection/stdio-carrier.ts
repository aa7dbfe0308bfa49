import { LineSplitter } from '#base/json-lines.ts'
import { LineWriter } from '#base/line-writer.ts'
import type { Logger } from '../../observe/logger.ts'
import { readLineBytes } from '../../observe/output-text.ts'
import type { OutputStream, ServerOutput } from '../../observe/server-output.ts'
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

/** Every line goes the same way, whatever it is about, and what a process has open does not break by sleep. */
const allOneWay = { setRevision: () => undefined, forget: () => undefined, checkNow: () => undefined }
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
  const toQuotation = readStreams(child, options, listener)
  watchHalfClosed(child, endBecause)
  void child.exited.then((reason) => {
    hasExited = true
    writer.close()
    // What the process had written before it exited is still on its way.
    onceEnded(child, () => {
      listener.onClosed({ kind: 'lost', reason: endedBecause ?? `${reason}${toQuotation()}` })
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
    ...allOneWay,
    holdReading: () => {
      if (holds++ === 0) child.stdout.pause()
    },
    releaseReading: () => {
      if (--holds === 0) child.stdout.resume()
    },
    isSuspended: async () => child.pid !== undefined && (await isStopped(child.pid, platform)),
    stop: () => {
      writer.end()
      return child.stop()
    },
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

/** Reads both streams and gives what quotes the last words that were no messages. */
function readStreams(
  child: ManagedProcess,
  { messageBytes, output }: StdioCarrierOptions,
  listener: CarrierListener,
): () => string {
  const lastWords = { stdout: new LastWords(), stderr: new LastWords() }
  const take: TakeOutput = (stream, line) => {
    output.add(stream, line)
    lastWords[stream].add(line)
  }
  readLines(child, { messageBytes, take }, listener)
  readErrors(child, take)
  // Some print on stdout how they want to be called, and nothing else.
  const redact = (text: string): string => output.redact(text)
  return () => lastWords.stderr.toQuotation(redact) || lastWords.stdout.toQuotation(redact)
}

/** Takes a line that is no message. */
type TakeOutput = (stream: OutputStream, line: Buffer) => void

function readLines(
  child: ManagedProcess,
  { messageBytes, take }: { readonly messageBytes: number; readonly take: TakeOutput },
  listener: CarrierListener,
): void {
  const stdout = new LineSplitter({
    maxBytes: messageBytes,
    firstBytes: readLineBytes,
    onLine: (line) => {
      const message = line.subarray(findStart(line))
      if (message[0] === openBrace || message[0] === openBracket) listener.onLine(message)
      else take('stdout', line.subarray(0, readLineBytes))
    },
    onTooLong: (first, last) => {
      const start = first[findStart(first)]
      if (start === openBrace || start === openBracket) listener.onTooLong(first, last)
      else take('stdout', first)
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
  })
  child.stdout.on('end', () => {
    stdout.end()
  })
}

function readErrors(child: ManagedProcess, take: TakeOutput): void {
  const onLine = (line: Buffer): void => {
    take('stderr', line)
  }
  const stderr = new LineSplitter({
    maxBytes: readLineBytes,
    firstBytes: readLineBytes,
    onLine,
    onTooLong: onLine,
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
