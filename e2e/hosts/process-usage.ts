// What a process takes of the machine. Linux only: it reads /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** Open file descriptors of a process. */
export function readDescriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Time of the processor that a process has used since its start, in milliseconds. */
export function readCpuTime(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // Ticks of 10 ms in user and in kernel mode: fields 14 and 15 of proc(5), of which two are cut off here.
  return (Number(fields[11]) + Number(fields[12])) * 10
}
