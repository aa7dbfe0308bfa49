import { toProblemText } from '#core/config/read-config.ts'
import type { Config } from '#core/config/config.ts'
import { findDataFolder, openHeadlessHost } from './headless-host.ts'
import { isThere, loadConfig, toConfigStamp, toServerCount } from './load-config.ts'
import { pingDirectly, pingThroughApp, type PingOutcome } from './ping.ts'
import { findRunningApp } from './running-app.ts'

/** Options of `patchbay check`. */
export interface CheckOptions {
  readonly config?: string
  readonly dataDir?: string
  readonly ping?: boolean
  readonly json?: boolean
}

/** Validates the configuration and, with `--ping`, reaches every server. Gives the exit code: 0 only if all is well. */
export async function check(options: CheckOptions): Promise<number> {
  const dataFolder = findDataFolder(options.dataDir)
  const { file, result } = await loadConfig(options.config, dataFolder)
  const tell = (line: string): void => {
    if (options.json !== true) process.stdout.write(`${line}\n`)
  }
  const servers: PingOutcome[] = []
  if (!result.ok) for (const problem of result.problems) tell(toProblemText(problem))
  else {
    if (await isThere(file)) tell(`${file}: ${toServerCount(result.config)}, no problems.`)
    else tell(`There is no ${file} yet. Write one, or name another with --config.`)
    if (options.ping === true) {
      await ping(result.config, { dataFolder, file, tell }, (outcome) => {
        servers.push(outcome)
        tell(toOutcomeText(outcome))
      })
    }
  }
  const ok = result.ok && servers.every((server) => server.ok)
  const problems = result.ok ? [] : result.problems
  if (options.json === true) process.stdout.write(`${JSON.stringify({ ok, file, problems, servers })}\n`)
  return ok ? 0 : 1
}

async function ping(
  config: Config,
  { dataFolder, file, tell }: { dataFolder: string; file: string; tell: (line: string) => void },
  onOutcome: (outcome: PingOutcome) => void,
): Promise<void> {
  const app = await findRunningApp(dataFolder)
  const isSame = app?.config === (await toConfigStamp(file))
  if (app !== undefined && !isSame) {
    tell(
      `The running app, pid ${app.pid}, has another configuration: these servers are started apart from it.`,
    )
  }
  if (app !== undefined && isSame) await pingThroughApp(config, app, onOutcome)
  else await pingDirectly(config, await openHeadlessHost(dataFolder), onOutcome)
}

function toOutcomeText({ name, ok, message, milliseconds }: PingOutcome): string {
  return ok ? `${name}: answered in ${milliseconds} ms.` : `${name}: ${message ?? 'failed'}`
}
