// What processes take of the machine. Linux only: it reads /proc.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuTime } from '../e2e/hosts/process-usage.ts'

/** Time of the processor that processes have used since their starts, in milliseconds; in steps of 10 ms each. */
export function readCpuTimes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readCpuTime(pid), 0)
}

/** Memory of processes in bytes, each page counted in equal parts to all processes that share it (PSS). */
export function readSharedOutMemory(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kilobytes = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
    return sum + Number(kilobytes) * 1024
  }, 0)
}

const sampleMs = 500
const mostSamples = 20

/**
 * Memory of several groups of processes, in bytes, once they have been left alone for so many milliseconds and it no
 * longer changes.
 */
export async function readQuietMemory(
  groups: readonly (readonly number[])[],
  milliseconds: number,
): Promise<number[]> {
  await sleep(milliseconds)
  let before = groups.map(readSharedOutMemory)
  for (let sample = 0; sample < mostSamples; sample++) {
    await sleep(Math.min(sampleMs, milliseconds))
    const now = groups.map(readSharedOutMemory)
    if (now.every((bytes, index) => Math.abs(bytes - before[index]!) < bytes * 0.01)) return now
    before = now
  }
  return before
}
