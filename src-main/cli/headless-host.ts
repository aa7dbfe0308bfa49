import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { product } from '#contract/product.ts'
import { toDataFolder } from '#contract/rendezvous.ts'
import { makePrivateFolder, UnsafePlace } from '#core/gateway/private-files.ts'
import type { Host } from '#core/host.ts'
import {
  atLeast,
  createLogger,
  toLogJson,
  toLogText,
  type Logger,
  type LogLevel,
} from '#core/observe/logger.ts'
import { CommandFailed } from './command-failed.ts'

/** The data folder that a command works on, absolute. */
export function findDataFolder(option: string | undefined): string {
  return path.resolve(toDataFolder(option, { platform: process.platform, env: process.env, home: homedir() }))
}

/** The host without a desktop; the data folder is made when it is not there. */
export async function openHeadlessHost(dataFolder: string): Promise<Host> {
  try {
    await makePrivateFolder(dataFolder)
  } catch (error) {
    if (error instanceof UnsafePlace) throw new CommandFailed(error.message)
    const { code } = error as NodeJS.ErrnoException
    throw new CommandFailed(
      `The data folder “${dataFolder}” cannot be used (${code ?? 'unknown'}); choose another with --data-dir.`,
    )
  }
  return { dataFolder, platform: process.platform, env: process.env, appVersion: product.version }
}

/** Lets this process go on when whoever read its stdout or stderr is gone. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      // Nothing to do: nobody reads it any more, and to say so there would only fail again.
    })
  }
}

/** A log for people on stderr and, below a data folder, one for programs in logs/app.log. */
export async function openLog(
  level: LogLevel,
  dataFolder: string,
): Promise<{ logger: Logger; close: () => Promise<void> }> {
  const file = await openLogFile(path.join(dataFolder, 'logs', 'app.log'))
  const toStderr = atLeast(level, (entry) => process.stderr.write(`${toLogText(entry)}\n`))
  file.on('error', (error) => process.stderr.write(`logs/app.log cannot be written: ${error.message}\n`))
  const toFile = atLeast(level === 'debug' ? 'debug' : 'info', (entry) => {
    if (file.writable) file.write(`${toLogJson(entry)}\n`)
  })
  return { logger: createLogger([toStderr, toFile]), close: () => closeFile(file) }
}

async function openLogFile(place: string): Promise<WriteStream> {
  try {
    await mkdir(path.dirname(place), { recursive: true, mode: 0o700 })
    const file = createWriteStream(place, { flags: 'a', mode: 0o600 })
    await once(file, 'open')
    return file
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandFailed(
      `The log “${place}” cannot be written (${code ?? 'unknown'}); choose another folder with --data-dir.`,
    )
  }
}

function closeFile(file: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (file.destroyed) resolve()
    else
      file.end(() => {
        resolve()
      })
  })
}
