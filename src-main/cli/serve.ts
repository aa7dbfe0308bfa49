import { product } from '#contract/product.ts'
import { createCore, type Core } from '#core/create-core.ts'
import { toProblemText } from '#core/config/read-config.ts'
import { readRendezvous } from '#core/gateway/rendezvous-file.ts'
import { SocketTaken } from '#core/gateway/socket-endpoint.ts'
import { UnsafePlace } from '#core/gateway/private-files.ts'
import type { Logger, LogLevel } from '#core/observe/logger.ts'
import { runShim } from '../../src-shim/run.ts'
import { CommandFailed } from './command-failed.ts'
import { findDataFolder, openHeadlessHost, openLog, outliveReaders } from './headless-host.ts'
import { loadConfig, toConfigStamp, toServerCount } from './load-config.ts'
import { findRunningApp } from './running-app.ts'
import { untilStopSignal } from './stop-signal.ts'

/** Options of `patchbay serve`. */
export interface ServeOptions {
  readonly config?: string
  /** What to use while there is neither `config` nor a config.json. */
  readonly configIfNone?: string
  readonly dataDir?: string
  readonly logLevel: LogLevel
  readonly stdio?: boolean
  /** Options of the HTTP gateway, which is not built yet. */
  readonly host?: string
  readonly port?: string
  readonly auth?: string
  /** Where secrets are kept, which is not built yet. */
  readonly secrets?: string
}

/** Runs the core until a signal, or with `--stdio` until its client is gone. Gives the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const dataFolder = findDataFolder(options.dataDir)
  const running = await findRunningApp(dataFolder)
  if (running !== undefined && options.stdio === true && options.config !== undefined) {
    process.stderr.write(
      `Patchbay is running, pid ${running.pid}: its own configuration holds, --config has no effect.\n`,
    )
  }
  if (running !== undefined && options.stdio === true)
    return runShim(['--data-dir', dataFolder, '--no-start'])
  if (running !== undefined) throw alreadyRunning(running.pid)
  const host = await openHeadlessHost(dataFolder)
  const { file, result } = await loadConfig(options.config, dataFolder, options.configIfNone)
  if (!result.ok) throw new CommandFailed(result.problems.map(toProblemText).join('\n'))
  outliveReaders()
  const { logger, close: closeLog } = await openLog(options.logLevel, dataFolder)
  const core = createCore(result.config, host, logger)
  const stopped = untilStopped(logger)
  try {
    await core.recall()
    logger.info(`${product.name} ${product.version} runs ${toServerCount(result.config)}.`, { config: file })
    warnOfNotBuilt(options, logger)
    if (options.stdio === true) await serveOneClient(core, stopped)
    else {
      await open(core, dataFolder, await toConfigStamp(file))
      await stopped
    }
  } finally {
    await core.close()
    logger.info('Stopped.')
    await closeLog()
  }
  return 0
}

function warnOfNotBuilt({ host, port, auth, secrets }: ServeOptions, logger: Logger): void {
  if (host !== undefined || port !== undefined || auth !== undefined) {
    logger.warning(
      'HTTP is not built yet: --host, --port and --auth have no effect, clients use the local socket.',
    )
  }
  if (secrets !== undefined) logger.warning('Secrets are not built yet: --secrets has no effect.')
}

async function serveOneClient(core: Core, stopped: Promise<void>): Promise<void> {
  core.startServers()
  await Promise.race([core.serveStdio(process.stdin, process.stdout), stopped])
}

async function open(core: Core, dataFolder: string, stamp: string): Promise<void> {
  const socket = await core.openSocket(stamp).catch(async (error: unknown) => {
    if (error instanceof UnsafePlace) throw new CommandFailed(error.message)
    if (!(error instanceof SocketTaken)) throw error
    throw alreadyRunning((await readRendezvous(dataFolder))?.pid)
  })
  core.startServers()
  const ready = { ready: true, pid: process.pid, version: product.version, socket, url: null, page: null }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

function alreadyRunning(pid: number | undefined): CommandFailed {
  return new CommandFailed(
    `${product.name} is already running, pid ${pid ?? 'unknown'}. Stop it first, or use another --data-dir.`,
  )
}

/** Settles with the first signal that asks us to stop; rejects when something unexpected leaves us in no known state. */
function untilStopped(logger: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    let isFailed = false
    process.on('uncaughtException', (error) => {
      // Once is enough: we are stopping already, and what comes after it may well come of telling the first.
      if (isFailed) return
      isFailed = true
      logger.error('Something unexpected went wrong: stopping.', { error: error.stack ?? error.message })
      reject(
        new CommandFailed('Something unexpected went wrong; logs/app.log in the data folder tells more.'),
      )
    })
    void untilStopSignal().then((signal) => {
      logger.info(`Stopping: ${signal}.`)
      resolve()
    })
  })
}
