import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { toServerLog } from '#core/observe/log-files/log-names.ts'
import { LogReader, readLoggedServers } from '#core/observe/log-files/read-log.ts'
import type { OutputStream } from '#core/observe/server-output.ts'
import { CommandFailed } from './command-failed.ts'
import { findDataFolder, outliveReaders } from './headless-host.ts'
import { untilStopSignal } from './stop-signal.ts'

/** Options of `patchbay logs`. */
export interface LogsOptions {
  readonly lines: number
  readonly follow?: boolean
  readonly stream?: OutputStream
  readonly dataDir?: string
}

const pollMs = 200

/** Prints the last lines of a server's log and, with `--follow`, what comes after them. Gives the exit code. */
export async function logs(server: string, options: LogsOptions): Promise<number> {
  const folder = path.join(findDataFolder(options.dataDir), 'logs')
  const reader = new LogReader(toServerLog(folder, server), options.stream)
  outliveReaders()
  try {
    if (!(await reader.seekLast(options.lines))) {
      const sentence = await toNoLog(server, folder)
      if (options.follow !== true) throw new CommandFailed(sentence)
      process.stderr.write(`${sentence} Waiting for one.\n`)
    }
    if (options.follow === true) await follow(reader)
    else {
      for await (const lines of reader.readOn()) await print(lines)
      await print(reader.takeRest())
    }
  } catch (error) {
    const { code, path: place } = error as NodeJS.ErrnoException
    if (error instanceof CommandFailed || code === undefined) throw error
    throw new CommandFailed(`The log of server “${server}” cannot be read (${code}): ${place ?? folder}.`)
  } finally {
    await reader.close()
  }
  return 0
}

/** Prints what comes until a signal to stop, or until nobody reads it any more. */
async function follow(reader: LogReader): Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const isStopped = (): boolean => signal.aborted
  void Promise.race([untilStopSignal(), untilUnread()]).then(() => {
    stopping.abort()
  })
  while (!isStopped()) {
    for await (const lines of reader.readOn()) {
      await print(lines)
      if (isStopped()) return
    }
    // It rejects at the signal, which the loop looks at.
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function untilUnread(): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['error', 'close'] as const) {
      process.stdout.once(event, () => {
        resolve()
      })
    }
  })
}

/** Settles when the lines are out, or cannot be: memory holds no more than one piece. */
function print(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return Promise.resolve()
  return new Promise((resolve) => {
    process.stdout.write(`${lines.join('\n')}\n`, () => {
      resolve()
    })
  })
}

async function toNoLog(server: string, folder: string): Promise<string> {
  const logged = await readLoggedServers(folder)
  const others =
    logged.length === 0 ? `No server has one in “${folder}” yet.` : `There are logs of: ${logged.join(', ')}.`
  return `There is no log of “${server}”: it has printed nothing yet, is reached at an address (logs/app.log tells of it), or is none of yours. ${others}`
}
