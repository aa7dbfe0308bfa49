// What the app takes over the time of the soak, and whether that grows.
import { readDescriptorCount } from '../e2e/hosts/process-usage.ts'
import { findDescendants, readMemory } from '../e2e/hosts/processes.ts'
import { median } from './driver.ts'

const megabyte = 1024 * 1024

/** One sample. */
export interface Usage {
  /** By performance.now(). */
  readonly at: number
  readonly megabytes: number
  readonly descriptors: number
  readonly children: number
  /** Calls answered until then. */
  readonly answered: number
}

/** Takes a sample of a process. */
export function readUsage(pid: number, answered: number): Usage {
  return {
    at: performance.now(),
    megabytes: readMemory(pid) / megabyte,
    descriptors: readDescriptorCount(pid),
    children: findDescendants(pid).length,
    answered,
  }
}

/** Sentences about what grew from the first third after the warm-up to the last third; none when all is well. */
export function findTrend(usages: readonly Usage[]): string[] {
  const settled = usages.slice(Math.ceil(usages.length / 10))
  const third = Math.floor(settled.length / 3)
  if (third === 0) return ['There are too few samples to tell whether the app grows.']
  const compare = (read: (usage: Usage) => number): [number, number] => [
    median(settled.slice(0, third).map(read)),
    median(settled.slice(-third).map(read)),
  ]
  const [before, after] = compare((usage) => usage.megabytes)
  const [few, many] = compare((usage) => usage.descriptors)
  const problems: string[] = []
  if (after > before * 1.1 && after - before > 8)
    problems.push(`memory grew from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`)
  if (many > few * 1.1 && many - few > 3) problems.push(`descriptors grew from ${few} to ${many}`)
  return problems
}

/** A table of the samples. */
export function toTable(usages: readonly Usage[]): string {
  const header = ['minute', 'memory (MiB)', 'descriptors', 'children', 'answered']
  const rows = usages.map(({ at, megabytes, descriptors, children, answered }) =>
    [(at / 60_000).toFixed(1), megabytes.toFixed(1), descriptors, children, answered].map(String),
  )
  return [header, ...rows].map((cells) => cells.map((cell) => cell.padStart(14)).join('')).join('\n')
}
