import { isSameFile } from '#base/is-same-file.ts'
import { replaceControls } from '#base/plain-text.ts'
import { toProblemText } from '#core/config/read-config.ts'
import type { Config, ServerConfig } from '#core/config/config.ts'
import { toShownAddress } from '#core/config/shown-address.ts'
import { readLastGood, toLastGoodFile } from '#core/config/store/last-good.ts'
import { findDataFolder, openHeadlessHost } from './headless-host.ts'
import { loadConfig, toServerCount, type LoadedConfig } from './load-config.ts'
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
  const loaded = await loadConfig(options.config, dataFolder, { searchFrom: process.cwd() })
  const { file, result, besideProblems } = loaded
  const tell = (line: string): void => {
    if (options.json !== true) process.stdout.write(`${line}\n`)
  }
  const servers: PingOutcome[] = []
  const problems = [...(result.ok ? [] : result.problems), ...besideProblems]
  for (const problem of problems) tell(toProblemText(problem))
  if (await isCopyUsed(loaded))
    tell(`Until that is put right, ${toLastGoodFile(file)} holds: its last good copy.`)
  for (const line of toOriginTexts(loaded)) tell(line)
  if (result.ok) {
    tell(isThere(loaded) ? toSummary(file, result.config) : await toMissing(file, dataFolder))
    for (const server of result.config.servers) tell(toReachText(toReach(server)))
    if (isThere(loaded) && options.ping === true) {
      await ping(result.config, { dataFolder, file, tell }, (outcome) => {
        servers.push(outcome)
        tell(toOutcomeText(outcome))
      })
    }
  }
  const ok = problems.length === 0 && servers.every((server) => server.ok)
  if (options.json === true) {
    const { changes: overrides, searched: all } = loaded
    const searched = all.filter((place) => place.outcome !== 'missing')
    const configured = result.ok ? result.config.servers.map(toReach) : []
    const names = configured.map(({ name }) => name)
    // They come in the order of their answers.
    servers.sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name))
    process.stdout.write(
      `${JSON.stringify({ ok, file, searched, problems, overrides, configured, servers })}\n`,
    )
  }
  return ok ? 0 : 1
}

function isThere({ reading }: LoadedConfig): boolean {
  return reading?.main.bytes !== undefined
}

async function toMissing(file: string, dataFolder: string): Promise<string> {
  const app = await findRunningApp(dataFolder)
  const missing = `There is no ${file} yet.`
  if (app?.config === undefined) return `${missing} Write one, or name another with --config.`
  return `${missing} The running app, pid ${app.pid}, uses ${app.config}: name that with --config to check it.`
}

function toSummary(file: string, config: Config): string {
  return `${file}: ${toServerCount(config)}, no problems.`
}

/** How a server is reached: what it runs without arguments, or its address; neither may show a secret. */
interface Reach {
  readonly name: string
  readonly enabled: boolean
  readonly type: ServerConfig['transport']['type']
  readonly command?: string
  readonly url?: string
}

function toReach({ name, enabled, transport }: ServerConfig): Reach {
  const { type } = transport
  if (transport.type === 'stdio') return { name, enabled, type, command: transport.command }
  return { name, enabled, type, url: toShownAddress(transport.url) }
}

function toReachText({ name, enabled, type, command, url }: Reach): string {
  const place = replaceControls(command ?? url ?? '', '\uFFFD')
  return `  ${name}: ${type}, ${place}${enabled ? '' : ' (switched off)'}`
}

/** Whether `serve` would start with the last good copy. */
async function isCopyUsed({ file, result, reading }: LoadedConfig): Promise<boolean> {
  if (result.ok || reading?.source.chosenBy !== 'data-folder') return false
  return (await readLastGood(file, process.env)) !== undefined
}

/** What else is there, and which values do not come from the configuration. */
function toOriginTexts({ file, reading, searched, changes }: LoadedConfig): readonly string[] {
  const hidden = searched.filter(({ outcome }) => outcome === 'hidden')
  const isForOverrides = (place: string): boolean =>
    place === reading?.source.ownFile && reading.beside?.result.ok === true
  return [
    ...hidden.map((place) =>
      isForOverrides(place.file)
        ? `${place.file} is there too, but only its overrides are used: ${file} comes first.`
        : `${place.file} is there too, but is not used: ${file} comes first.`,
    ),
    ...changes.map(({ server, key, value, instead, file: origin }) => {
      const [now, otherwise] = [JSON.stringify(value), JSON.stringify(instead)]
      return `servers.${server}.${key} is ${now} by the overrides in ${origin}; without them it would be ${otherwise}.`
    }),
  ]
}

async function ping(
  config: Config,
  { dataFolder, file, tell }: { dataFolder: string; file: string; tell: (line: string) => void },
  onOutcome: (outcome: PingOutcome) => void,
): Promise<void> {
  const app = await findRunningApp(dataFolder)
  const isSame = app?.config !== undefined && (await isSameFile(app.config, file))
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
