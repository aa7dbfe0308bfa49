// `npm run bench`: what shim and app cost, against no one in between and against two processes that only move bytes.
// All routes are measured in turn in every round of one run, by one driver; the figures are medians over the rounds.
import { availableParallelism, loadavg } from 'node:os'
import { Driver, median } from './driver.ts'
import { openRoutes, type Route } from './routes.ts'

const budgetMs = Number(process.env['BENCH_SECONDS'] ?? 60) * 1000
const maxRounds = 21

interface Metric {
  readonly title: string
  readonly digits: number
  readonly measure: (driver: Driver, tool: string) => Promise<number>
}

const small = 'x'.repeat(100)
const large = 'x'.repeat(1_000_000)

const metrics: readonly Metric[] = [
  { title: 'p50 of a call, 100 B (ms)', digits: 3, measure: (d, tool) => d.measureLatency(tool, small, 400) },
  { title: 'p50 of a call, 1 MB (ms)', digits: 2, measure: (d, tool) => d.measureLatency(tool, large, 25) },
  {
    title: 'calls/s, 64 in flight, 100 B',
    digits: 0,
    measure: (d, tool) => d.measureRate(tool, small, 6000),
  },
]
const startTitle = 'spawn to first answer (ms)'

/** One fresh connection measured by everything; the figures in the order start, then metrics. */
async function measureRoute(route: Route): Promise<number[]> {
  const driver = new Driver(route.command)
  try {
    const figures = [await driver.open()]
    // The first calls of a connection warm its processes up.
    await driver.measureRate(route.tool, small, 1000)
    await driver.measureLatency(route.tool, large, 3)
    for (const metric of metrics) figures.push(await metric.measure(driver, route.tool))
    return figures
  } finally {
    await driver.close()
  }
}

/** Figures by route, then by round. */
async function measureRounds(routes: readonly Route[]): Promise<number[][][]> {
  const figures: number[][][] = routes.map(() => [])
  for (const route of routes) await measureRoute(route)
  const end = performance.now() + budgetMs
  for (let round = 0; round < maxRounds && performance.now() < end; round++) {
    for (const [index, route] of routes.entries()) figures[index]!.push(await measureRoute(route))
  }
  return figures
}

function toTable(routes: readonly Route[], figures: readonly number[][][]): string {
  const [direct, relay, product] = routes.map((route) => route.name)
  const ratios = [`${relay}/direct`, `${product}/direct`, `${product}/relay`]
  const header = ['', direct, relay, product, ...ratios]
  const rows = [startTitle, ...metrics.map((metric) => metric.title)].map((title, column) => {
    const digits = metrics[column - 1]?.digits ?? 0
    const [a, b, c] = figures.map((rounds) => median(rounds.map((round) => round[column]!)))
    const values = [a!, b!, c!].map((value) => value.toFixed(digits))
    return [title, ...values, ...[b! / a!, c! / a!, c! / b!].map((ratio) => `${ratio.toFixed(2)} x`)]
  })
  return [header, ...rows]
    .map((cells) =>
      cells.map((cell, index) => (index === 0 ? cell!.padEnd(30) : cell!.padStart(20))).join(''),
    )
    .join('\n')
}

// Anything else that runs on the machine spoils the figures: the load before the run tells.
const load = loadavg()[0]!.toFixed(2)
const { routes, close } = await openRoutes()
try {
  const figures = await measureRounds(routes)
  const rounds = figures[0]!.length
  const machine = `Node ${process.version}, ${availableParallelism()} cores, ${process.platform}, load ${load} before`
  process.stdout.write(`${machine}; medians of ${rounds} interleaved rounds\n${toTable(routes, figures)}\n`)
} finally {
  await close()
}
