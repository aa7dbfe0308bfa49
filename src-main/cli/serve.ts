import { product } from '#contract/product.ts'
import { createCore, type Core, type OpenOptions } from '#core/create-core.ts'
import type { GatewaySettings } from '#core/config/config.ts'
import { openConfigStore, type ConfigStore } from '#core/config/store/config-store.ts'
import { toProblemText } from '#core/config/read-config.ts'
import { AddressUnusable, PortTaken } from '#core/gateway/http/listener/listener.ts'
import { readRendezvous } from '#core/gateway/rendezvous-file.ts'
import { SocketTaken } from '#core/gateway/socket-endpoint.ts'
import { UnsafePlace } from '#core/gateway/private-files.ts'
import { StartLockHeld } from '#core/gateway/start-lock.ts'
import type { Logger, LogLevel } from '#core/observe/logger.ts'
import { runShim } from '../../src-shim/run.ts'
import { CommandFailed } from './command-failed.ts'
import { followConfig, tellProblems } from './follow-config.ts'
import { findDataFolder, openHeadlessHost, openLog, outliveReaders } from './headless-host.ts'
import { loadConfig, toServerCount } from './load-config.ts'
import { findRunningApp } from './running-app.ts'
import { tuneCollector } from './tune-collector.ts'

/** Options of `patchbay serve`. */
export interface ServeOptions {
  readonly config?: string
  /** What to use while there is neither `config` nor a config.json. */
  readonly configIfNone?: string
  readonly dataDir?: string
  readonly logLevel: LogLevel
  readonly stdio?: boolean
  /** Whether to be reached over HTTP. */
  readonly http: boolean
  /** These hold in place of what the configuration says. */
  readonly host?: string
  readonly port?: number
  readonly auth?: GatewaySettings['auth']
  /** Where secrets are kept, which is not built yet. */
  readonly secrets?: string
}

/**
 * Runs the core until a signal, or with `--stdio` until its client is gone. Gives the exit code. `signal` may come at
 * any time: then what has begun is ended in order.
 */
export async function serve(options: ServeOptions, signal: Promise<NodeJS.Signals>): Promise<number> {
  const dataFolder = findDataFolder(options.dataDir)
  const running = await findRunningApp(dataFolder)
  if (running !== undefined && options.stdio === true && options.config !== undefined) {
    process.stderr.write(
      `Patchbay is running, pid ${running.pid}: its own configuration holds, --config has no effect.\n`,
    )
  }
  if (running !== undefined && options.stdio === true) {
    void signal.then(() => process.exit(0))
    return runShim(['--data-dir', dataFolder, '--no-start'])
  }
  if (running !== undefined) throw alreadyRunning(running.pid)
  tuneCollector()
  const host = await openHeadlessHost(dataFolder)
  outliveReaders()
  const log = openLog(options.logLevel, dataFolder)
  const { logger } = log
  const store = await openConfig(options, dataFolder, logger)
  log.apply(store.config.logs)
  const core = createCore(store.config, host, logger)
  followConfig(store, core, log)
  const stopped = untilStopped(logger, signal)
  try {
    await core.recall()
    const { file } = store.source
    logger.info(`${product.name} ${product.version} runs ${toServerCount(store.config)}.`, { config: file })
    warnOfNoEffect(options, logger)
    if (options.stdio === true) await serveOneClient(core, stopped)
    else {
      await open(core, dataFolder, toOpenOptions(options, file)).catch((error: unknown) => {
        // Whoever started it may not have kept what it printed.
        if (error instanceof CommandFailed) logger.error(error.message)
        throw error
      })
      await stopped
    }
  } finally {
    store.close()
    await core.close()
    logger.info('Stopped.')
    await log.close()
  }
  return 0
}

/** The configuration, which is watched from now on. */
async function openConfig(
  { config, configIfNone, stdio }: ServeOptions,
  dataFolder: string,
  logger: Logger,
): Promise<ConfigStore> {
  // With --stdio somebody else chose the folder: an editor, in a project that may not be the user's own.
  const searchFrom = stdio === true ? undefined : process.cwd()
  const { file, reading, result } = await loadConfig(config, dataFolder, { ifNone: configIfNone, searchFrom })
  const opened = reading && (await openConfigStore(reading, { env: process.env, logger }))
  if (opened?.ok === true) {
    tellProblems(logger, opened.problems)
    if (opened.problems.length === 0 && reading?.main.bytes === undefined)
      logger.warning('There is no configuration yet: write one, and it is used at once.', { file })
    if (opened.usedLastGood) {
      logger.error('The configuration is broken: Patchbay runs the last good copy of it.', { file })
    }
    return opened.store
  }
  const problems = opened?.problems ?? (result.ok ? [] : result.problems)
  throw new CommandFailed(problems.map(toProblemText).join('\n'))
}

function warnOfNoEffect({ secrets, host, port, auth, stdio, http }: ServeOptions, logger: Logger): void {
  const names = Object.entries({ host, port, auth }).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name}`,
  )
  if (names.length > 0 && (stdio === true || !http))
    logger.warning(
      `${names.join(', ')}: no effect without HTTP (${stdio === true ? '--stdio' : '--no-http'}).`,
    )
  if (secrets !== undefined) logger.warning('Secrets are not built yet: --secrets has no effect.')
}

async function serveOneClient(core: Core, stopped: Promise<void>): Promise<void> {
  void core.startServers()
  await Promise.race([core.serveStdio(process.stdin, process.stdout), stopped])
}

function toOpenOptions({ http, host, port, auth }: ServeOptions, configFile: string): OpenOptions {
  const overrides = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(auth === undefined ? {} : { auth }),
  }
  return { configFile, isHttp: http, overrides }
}

async function open(core: Core, dataFolder: string, options: OpenOptions): Promise<void> {
  const { socket, url } = await core.open(options).catch(async (error: unknown) => {
    if (expected.some((one) => error instanceof one)) throw new CommandFailed((error as Error).message)
    if (!(error instanceof SocketTaken)) throw error
    throw alreadyRunning((await readRendezvous(dataFolder))?.pid)
  })
  void core.startServers()
  const ready = { ready: true, pid: process.pid, version: product.version, socket, url, page: null }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

/** Why there may be no way in; each says so in a sentence for people. */
const expected = [UnsafePlace, StartLockHeld, PortTaken, AddressUnusable]

function alreadyRunning(pid: number | undefined): CommandFailed {
  return new CommandFailed(
    `${product.name} is already running, pid ${pid ?? 'unknown'}. Stop it first, or use another --data-dir.`,
  )
}

/** Settles with the first signal that asks us to stop; rejects when something unexpected leaves us in no known state. */
function untilStopped(logger: Logger, signal: Promise<NodeJS.Signals>): Promise<void> {
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
    void signal.then((name) => {
      logger.info(`Stopping: ${name}.`)
      resolve()
    })
  })
}
