import type { ConfigStore } from '#core/config/store/config-store.ts'
import { diffConfigs } from '#core/config/diff.ts'
import type { Config } from '#core/config/config.ts'
import { toProblemText, type ConfigProblem } from '#core/config/read-config.ts'
import type { Core } from '#core/create-core.ts'
import type { LogFields, Logger } from '#core/observe/logger.ts'
import type { OpenLog } from './headless-host.ts'

/** Has the core go over to every configuration that holds from now on, and the log tell what became of each edit. */
export function followConfig(store: ConfigStore, core: Core, { logger, apply }: OpenLog): void {
  const { file } = store.source
  store.onChanged((next, before) => {
    apply(next.logs)
    void goOver(core, { next, before, file, logger })
  })
  store.onRefused((problems) => {
    tellProblems(logger, problems)
    logger.error('The configuration is broken: Patchbay goes on with what it was before.', { file })
  })
  store.onRecovered(() => {
    logger.info('The configuration is fine again.', { file })
  })
}

const mostTold = 20

/** Logs what is wrong with a configuration, a line for each place; not all of them where there are many. */
export function tellProblems(logger: Logger, problems: readonly ConfigProblem[]): void {
  for (const problem of problems.slice(0, mostTold)) {
    logger.error(toProblemText(problem), { code: problem.code })
  }
  const more = problems.length - mostTold
  if (more > 0) logger.error(`There are ${more} more problems; “patchbay check” shows them.`)
}

async function goOver(
  core: Core,
  { next, before, file, logger }: { next: Config; before: Config; file: string; logger: Logger },
): Promise<void> {
  try {
    await core.apply(next)
  } catch (error) {
    logger.error('The changed configuration could not be taken on wholly.', { error: String(error) })
    return
  }
  const { added, removed, restarted, adjusted } = diffConfigs(before, next)
  const isIn = (config: Config, name: string): boolean =>
    config.servers.some((server) => server.name === name)
  const names = Object.entries({
    added: added.filter(({ name }) => !isIn(before, name)),
    switchedOn: added.filter(({ name }) => isIn(before, name)),
    removed: removed.filter(({ name }) => !isIn(next, name)),
    switchedOff: removed.filter(({ name }) => isIn(next, name)),
    restarted,
    adjusted,
  })
    .filter(([, servers]) => servers.length > 0)
    .map(([what, servers]) => [what, servers.map(({ name }) => name).join(' ')])
  logger.info('The configuration was changed.', { file, ...(Object.fromEntries(names) as LogFields) })
}
