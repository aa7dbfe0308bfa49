// The figures as text.
import { getLoad, isMet, type Figures, type NamedFigures, type Outcome } from './figures.ts'
import { depths, sizes } from './settings.ts'

interface Row {
  readonly title: string
  readonly digits: number
  readonly read: (route: NamedFigures) => number | undefined
}

const megabyte = 1024 * 1024
const sizeNames = new Map<number, string>([
  [100, '100 B'],
  [10_000, '10 KB'],
  [1_000_000, '1 MB'],
])

const latencyRows: readonly Row[] = sizes.flatMap((bytes) =>
  (['p50', 'p95', 'p99'] as const).map((part) => ({
    title: `${part} of a call, ${sizeNames.get(bytes)} (ms)`,
    digits: bytes === 1_000_000 ? 2 : 3,
    read: (route) => getLoad(route, bytes, 1)[part],
  })),
)
const rateRows: readonly Row[] = sizes.flatMap((bytes) =>
  depths.map((inFlight) => ({
    title: `calls/s, ${inFlight} in flight, ${sizeNames.get(bytes)}`,
    digits: 0,
    read: (route) => getLoad(route, bytes, inFlight).callsPerSecond,
  })),
)
const cpuRows: readonly Row[] = sizes.flatMap((bytes) =>
  depths.map((inFlight) => ({
    title: `CPU per call, ${inFlight} in flight, ${sizeNames.get(bytes)} (µs)`,
    digits: bytes === 1_000_000 ? 0 : 1,
    read: (route) => {
      const cpu = getLoad(route, bytes, inFlight).cpuPerCall
      return cpu && cpu * 1000
    },
  })),
)
const rows: readonly Row[] = [
  { title: 'first answer (ms)', digits: 1, read: (route) => route.firstAnswerMs },
  ...latencyRows,
  ...rateRows,
  ...cpuRows,
  { title: 'memory, idle (MiB)', digits: 1, read: ({ memory }) => memory && memory.idle / megabyte },
  {
    title: 'memory, after 1 MB calls (MiB)',
    digits: 1,
    read: ({ memory }) => memory && memory.afterLarge / megabyte,
  },
]

function toLines(table: readonly (readonly string[])[]): string {
  const widths = [...table[0]!.keys()].map((column) =>
    Math.max(...table.map((cells) => cells[column]!.length)),
  )
  return table
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]! + 2),
        )
        .join(''),
    )
    .join('\n')
}

/** One row for each figure, one column for each route and one for shim and app against the relay pair. */
export function toTable(figures: Figures): string {
  const header = ['', ...figures.routes.map(({ name }) => name), 'shim and app / relays']
  const lines = rows.map(({ title, digits, read }) => {
    const values = figures.routes.map((route) => read(route)?.toFixed(digits) ?? '')
    const ratio = figures.ratio(read)
    return [title, ...values, ratio === undefined ? '' : `${ratio.toFixed(2)} x`]
  })
  return toLines([header, ...lines])
}

/** One row for each aim. */
export function toAimTable(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map((outcome) => {
    const { title, aim, side, unit, value } = outcome
    const digits = unit === '/s' ? 0 : unit === 'ms' ? 3 : 2
    const mark = value === undefined ? 'not measured' : isMet(outcome) ? 'met' : 'missed'
    const shown = value === undefined ? '' : `${value.toFixed(digits)} ${unit}`
    return [title, shown, `${side} ${aim} ${unit}`, mark]
  })
  return toLines([['against the aims', 'measured', 'aim', ''], ...lines])
}
