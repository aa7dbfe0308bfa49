import { homedir } from 'node:os'
import path from 'node:path'
import { product } from '#contract/product.ts'
import { toDataFolder } from '#contract/rendezvous.ts'
import { makePrivateFolder, UnsafePlace } from '#core/gateway/private-files.ts'
import type { Host } from '#core/host.ts'
import {
  atLeast,
  createLogger,
  redacted,
  toLogJson,
  toLogText,
  type Logger,
  type LogLevel,
  type LogSink,
} from '#core/observe/logger.ts'
import { createRedactor } from '#core/observe/redact.ts'
import { RotatingFile, type LogSettings } from '#core/observe/log-files/rotating-file.ts'
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

/** Our own log: for people on stderr and, below a data folder, for programs in logs/app.log. */
export interface OpenLog {
  readonly logger: Logger
  /** Takes on other settings for the file. */
  readonly apply: (settings: LogSettings) => void
  /** Writes what waits, within two seconds. */
  readonly close: () => Promise<void>
}

/** Opens our own log. A file that cannot be written is told on stderr, and is no reason to stop. */
export function openLog(
  level: LogLevel,
  dataFolder: string,
  settings: LogSettings = { maxBytes: 10 * 1024 * 1024, keepDays: 2 },
): OpenLog {
  const tell: LogSink = (entry) => process.stderr.write(`${toLogText(entry)}\n`)
  const toStderr = atLeast(level, tell)
  const file = new RotatingFile({
    file: path.join(dataFolder, 'logs', 'app.log'),
    settings,
    logger: createLogger([atLeast('warning', tell)]),
    toLostLine: (count) =>
      toLogJson({
        time: new Date().toISOString(),
        level: 'warning',
        message: 'The disk did not take some lines of this log.',
        fields: { lines: count },
      }),
  })
  const toFile = atLeast(level === 'debug' ? 'debug' : 'info', (entry) => {
    file.append(toLogJson(entry))
  })
  // What looks like a token is in no log of ours, whoever said it.
  const toBoth = redacted(createRedactor({}, { inherited: process.env }), (entry) => {
    toStderr(entry)
    toFile(entry)
  })
  return {
    logger: createLogger([toBoth]),
    apply: (next) => {
      file.apply(next)
    },
    close: () => file.close(),
  }
}
