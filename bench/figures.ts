// All figures of a run by the names of the routes, and how they stand against what is aimed at.
import type { LoadFigures, MemoryFigures, RouteFigures } from './measure.ts'
import { routeNames } from './routes.ts'

/** What was measured of a route; memory only where it was asked for. */
export interface NamedFigures extends RouteFigures {
  readonly name: string
  readonly memory: MemoryFigures | undefined
}

/** One thing aimed at and what came of it. */
export interface Outcome {
  readonly title: string
  readonly aim: number
  /** Whether the value may not be above the aim or not below it. */
  readonly side: 'at most' | 'at least'
  readonly unit: 'x' | 'ms' | '/s'
  /** Undefined when one of the routes is missing. */
  readonly value: number | undefined
}

interface Aim extends Omit<Outcome, 'value'> {
  readonly measure: (figures: Figures) => number | undefined
}

/** Whether an outcome is as aimed at; false when it is not known. */
export function isMet({ value, aim, side }: Outcome): boolean {
  if (value === undefined) return false
  return side === 'at most' ? value <= aim : value >= aim
}

/** The figures by route. */
export class Figures {
  readonly routes: readonly NamedFigures[]

  constructor(routes: readonly NamedFigures[]) {
    this.routes = routes
  }

  find(name: string): NamedFigures | undefined {
    return this.routes.find((route) => route.name === name)
  }

  /** Shim and app against the relay pair; undefined when there is nothing to compare. */
  ratio(read: (route: NamedFigures) => number | undefined): number | undefined {
    const [product, relay] = [routeNames.product, routeNames.relay].map((name) => {
      const route = this.find(name)
      return route && read(route)
    })
    // A short run may be over before the clock of the processor has ticked.
    return product === undefined || relay === undefined || relay === 0 ? undefined : product / relay
  }

  toOutcomes(): Outcome[] {
    return aims.map(({ measure, ...aim }) => ({ ...aim, value: measure(this) }))
  }
}

/** The figures of one load of a route. */
export function getLoad(route: RouteFigures, bytes: number, inFlight: number): LoadFigures {
  return route.loads.find((load) => load.bytes === bytes && load.inFlight === inFlight)!
}

function toRatio(
  title: string,
  aim: number,
  read: (route: NamedFigures) => number | undefined,
  side: Outcome['side'] = 'at most',
): Aim {
  return { title, aim, side, unit: 'x', measure: (figures) => figures.ratio(read) }
}

function toHttpAims(name: string): Aim[] {
  const added = (figures: Figures): number | undefined => {
    const [direct, route] = [figures.find(routeNames.httpDirect), figures.find(name)]
    return direct && route && getLoad(route, 100, 1).p50 - getLoad(direct, 100, 1).p50
  }
  const rate = (figures: Figures): number | undefined => {
    const route = figures.find(name)
    return route && getLoad(route, 100, 64).callsPerSecond
  }
  return [
    { title: `${name}: p50 added, 100 B`, aim: 0.15, side: 'at most', unit: 'ms', measure: added },
    { title: `${name}: calls, 64 in flight`, aim: 12_000, side: 'at least', unit: '/s', measure: rate },
  ]
}

const aims: readonly Aim[] = [
  toRatio('p50 of a call, 100 B', 1.5, (route) => getLoad(route, 100, 1).p50),
  toRatio('p50 of a call, 1 MB', 1.4, (route) => getLoad(route, 1_000_000, 1).p50),
  toRatio('calls/s, 64 in flight, 100 B', 0.6, (route) => getLoad(route, 100, 64).callsPerSecond, 'at least'),
  toRatio('CPU per call, 1 in flight, 100 B', 3, (route) => getLoad(route, 100, 1).cpuPerCall),
  toRatio('CPU per call, 64 in flight, 100 B', 3, (route) => getLoad(route, 100, 64).cpuPerCall),
  toRatio('spawn to first answer', 1.3, (route) => route.firstAnswerMs),
  toRatio('memory, idle', 3, (route) => route.memory?.idle),
  toRatio('memory, after 1 MB calls', 2.5, (route) => route.memory?.afterLarge),
  ...toHttpAims(routeNames.httpToStdio),
  ...toHttpAims(routeNames.httpToHttp),
]
