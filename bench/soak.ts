// `npm run soak [-- --minutes N]`: four clients call six servers, of which one crashes again and again, while the
// configuration is changed. Every answer is checked; it exits with 1 when one is wrong or lost, or when the app grows.
import { parseArgs } from 'node:util'
import { startHeadless } from '../e2e/hosts/headless.ts'
import { smallHeap } from '../e2e/hosts/small-heap.ts'
import { Caller, createTally, type Tally } from './soak-caller.ts'
import { Reloader } from './soak-reloader.ts'
import { findTrend, readUsage, toTable, type Usage } from './soak-usage.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error('--minutes wants a number above 0.')

const reloader = new Reloader()
const tally = createTally()
const usages: Usage[] = []
await using app = await startHeadless({ config: reloader.config, env: smallHeap })
const clients = [app.openShim(), app.openShim(), await app.openSocket(), await app.openSocket()]
const callers = clients.map(
  (client, index) => new Caller(client, { label: `client ${index}`, tally, reloader }),
)
for (const caller of callers) await caller.open()

// Samples are a minute apart, or closer in a short run, so that there are enough to compare.
const sampleMs = Math.min(60_000, (minutes * 60_000) / 12)
const sampler = setInterval(() => {
  usages.push(readUsage(app.pid, tally.answered))
}, sampleMs)
const end = performance.now() + minutes * 60_000
const isOver = (): boolean => performance.now() > end
try {
  await Promise.all([...callers.map((caller) => caller.callUntil(isOver)), reloader.changeUntil(isOver, app)])
} finally {
  clearInterval(sampler)
}

const problems = findProblems(tally, usages)
process.stdout.write(`${toTable(usages)}\n\n${toSummary(tally)}\n${problems.join('\n')}\n`)
if (problems.length > 0) process.exitCode = 1

function findProblems({ wrong, lost }: Tally, all: readonly Usage[]): string[] {
  return [...wrong.map((text) => `wrong: ${text}`), ...lost.map((text) => `lost: ${text}`), ...findTrend(all)]
}

function toSummary({ answered, wrong, lost, lostOnCrashing, refusedOnCrashing, refused }: Tally): string {
  return [
    `${answered} answered, ${wrong.length} wrong, ${lost.length} lost elsewhere than on the crashing server`,
    `${lostOnCrashing} lost and ${refusedOnCrashing} refused on the crashing server`,
    `${refused} refused on servers that were being changed; ${reloader.changes} reloads`,
  ].join('\n')
}
