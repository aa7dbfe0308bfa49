// Measures routes in turn, round after round, so that whatever else the machine does falls on all of them alike.
import {
  callTimes,
  measureLoad,
  median,
  percentile,
  toPayload,
  type Client,
  type Measurement,
} from './driver.ts'
import type { Route } from './routes.ts'
import { depths, sizes, type Settings } from './settings.ts'
import { readCpuTimes, readQuietMemory } from './usage.ts'

/** Figures of one size with so many calls in flight: medians over the rounds. Milliseconds. */
export interface LoadFigures {
  readonly bytes: number
  readonly inFlight: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly callsPerSecond: number
  /** Of the processes between client and server, over all rounds; none when there are none. */
  readonly cpuPerCall: number | undefined
}

/** PSS of the processes between client and server, in bytes. */
export interface MemoryFigures {
  readonly idle: number
  readonly afterLarge: number
}

/** What was measured of one route. */
export interface RouteFigures {
  readonly firstAnswerMs: number
  readonly loads: readonly LoadFigures[]
}

interface Sample extends Measurement {
  readonly cpuMs: number | undefined
}

/** What the rounds gave for one route: first answers, and samples by size and depth. */
interface Rounds {
  readonly firstAnswers: number[]
  readonly samples: ReadonlyMap<string, Sample[]>
}

const toKey = (bytes: number, inFlight: number): string => `${bytes} x ${inFlight}`
const loads = sizes.flatMap((bytes) => depths.map((inFlight) => ({ bytes, inFlight })))

/** One fresh client measured by everything. */
async function measureRoute(route: Route, { starts, loadMs }: Settings, rounds: Rounds): Promise<void> {
  for (let count = 1; count < starts; count++) {
    const starting = await route.openClient()
    rounds.firstAnswers.push(starting.firstAnswerMs)
    await starting.close()
  }
  const client = await route.openClient()
  try {
    rounds.firstAnswers.push(client.firstAnswerMs)
    // The first calls of a connection warm its processes up.
    await measureLoad(client, toPayload(route.tool, sizes[0]), { inFlight: 64, milliseconds: loadMs / 2 })
    await callTimes(client, toPayload(route.tool, 1_000_000), 3)
    const pids = route.findPids(client)
    for (const { bytes, inFlight } of loads) {
      const before = readCpuTimes(pids)
      // Calls of 1 MB are few in that time.
      const milliseconds = bytes === 1_000_000 ? loadMs * 2 : loadMs
      const measured = await measureLoad(client, toPayload(route.tool, bytes), { inFlight, milliseconds })
      const cpuMs = pids.length === 0 ? undefined : readCpuTimes(pids) - before
      rounds.samples.get(toKey(bytes, inFlight))!.push({ ...measured, cpuMs })
    }
  } finally {
    await client.close()
  }
}

const createRounds = (): Rounds => ({
  firstAnswers: [],
  samples: new Map(loads.map(({ bytes, inFlight }) => [toKey(bytes, inFlight), []])),
})

function toFigures({ firstAnswers, samples }: Rounds): RouteFigures {
  return {
    firstAnswerMs: median(firstAnswers),
    loads: loads.map(({ bytes, inFlight }) => {
      const taken = samples.get(toKey(bytes, inFlight))!
      const calls = taken.reduce((sum, { times }) => sum + times.length, 0)
      const cpuMs = taken.reduce((sum, sample) => sum + (sample.cpuMs ?? NaN), 0)
      const toMedian = (part: number): number => median(taken.map(({ times }) => percentile(times, part)))
      return {
        bytes,
        inFlight,
        p50: toMedian(0.5),
        p95: toMedian(0.95),
        p99: toMedian(0.99),
        callsPerSecond: median(taken.map((sample) => sample.callsPerSecond)),
        cpuPerCall: Number.isNaN(cpuMs) ? undefined : cpuMs / calls,
      }
    }),
  }
}

/** Figures of the routes in their order, and how many rounds they come from. A first round warms up and is thrown away. */
export async function measureRounds(
  routes: readonly Route[],
  settings: Settings,
): Promise<{ readonly figures: readonly RouteFigures[]; readonly rounds: number }> {
  for (const route of routes) await measureRoute(route, settings, createRounds())
  const measured = routes.map(createRounds)
  const end = performance.now() + settings.roundsMs
  let rounds = 0
  while (rounds === 0 || performance.now() < end) {
    for (const [index, route] of routes.entries()) await measureRoute(route, settings, measured[index]!)
    rounds++
  }
  return { figures: measured.map(toFigures), rounds }
}

/** Memory of the processes of each route with one client, before anything else has used them much. */
export async function measureMemory(
  routes: readonly Route[],
  { settleMs, largeCalls }: Settings,
): Promise<MemoryFigures[]> {
  const clients: Client[] = []
  try {
    for (const route of routes) clients.push(await route.openClient())
    const groups = routes.map((route, index) => route.findPids(clients[index]!))
    const idle = await readQuietMemory(groups, settleMs)
    for (const [index, { tool }] of routes.entries())
      await callTimes(clients[index]!, toPayload(tool, 1_000_000), largeCalls)
    const afterLarge = await readQuietMemory(groups, settleMs)
    return idle.map((bytes, index) => ({ idle: bytes, afterLarge: afterLarge[index]! }))
  } finally {
    for (const client of clients) await client.close()
  }
}
