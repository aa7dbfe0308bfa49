// `npm run bench [-- --quick] [-- --json FILE]`: what Patchbay costs, against no one in between and against two processes
// that only move bytes. All routes are measured in turn in every round of one run, by one driver. See docs/bench.md.
import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { Figures, isMet } from './figures.ts'
import { measureMemory, measureRounds } from './measure.ts'
import { openRoutes, routeNames } from './routes.ts'
import { readSettings } from './settings.ts'
import { toAimTable, toTable } from './table.ts'

const settings = readSettings(process.argv.slice(2))
// Anything else that runs on the machine spoils the figures: the load before the run tells.
const loadBefore = loadavg()[0]!
const cores = availableParallelism()
const { routes, missing, close } = await openRoutes()
try {
  for (const sentence of missing) process.stderr.write(`Not measured: ${sentence}\n`)
  const remembering = routes.filter(({ name }) => name === routeNames.relay || name === routeNames.product)
  const memory = await measureMemory(remembering, settings)
  const { figures: measured, rounds } = await measureRounds(routes, settings)
  const figures = new Figures(
    routes.map((route, index) => ({
      name: route.name,
      ...measured[index]!,
      memory: memory[remembering.indexOf(route)],
    })),
  )
  const outcomes = figures.toOutcomes()
  const machine = { node: process.version, cores, platform: process.platform }
  if (settings.jsonFile !== undefined) {
    const marked = outcomes.map((outcome) => ({ ...outcome, isMet: isMet(outcome) }))
    const all = { machine, loadBefore, rounds, routes: figures.routes, missing, outcomes: marked }
    writeFileSync(settings.jsonFile, `${JSON.stringify(all, null, 2)}\n`)
  }
  const where = `Node ${machine.node}, ${cores} cores, ${machine.platform}`
  const warning =
    loadBefore > cores / 4 ? 'Other work ran on this machine: do not compare these figures.\n' : ''
  const verdict = settings.isQuick
    ? 'This was quick: it shows that everything runs, and its figures say nothing.'
    : toAimTable(outcomes)
  process.stdout.write(
    `${warning}${where}, load ${loadBefore.toFixed(2)} before; medians of ${rounds} interleaved rounds\n` +
      `\n${toTable(figures)}\n\n${verdict}\n`,
  )
} finally {
  await close()
}
