import { readFileSync } from 'node:fs'
import { runSystemTool, type ProcessRow } from '../process-table.ts'

/** The variable by which what a child starts can be told from anything else, as descendants inherit it. */
export const markVariable = 'PATCHBAY_CHILD'

/** The marks that processes carry in their environment, by pid. Empty where that cannot be seen, as on Windows. */
export async function readMarks(
  rows: readonly ProcessRow[],
  platform: NodeJS.Platform,
): Promise<ReadonlyMap<number, string>> {
  if (platform === 'win32') return new Map()
  if (platform !== 'linux') return parsePsMarks(await runSystemTool('ps', ['-Eaxww', '-o', 'pid=,command=']))
  const marks = rows.map(({ pid }) => [pid, findProcMark(pid)] as const)
  return new Map(marks.filter((entry): entry is [number, string] => entry[1] !== undefined))
}

function findProcMark(pid: number): string | undefined {
  try {
    return parseEnviron(readFileSync(`/proc/${pid}/environ`, 'latin1'))
  } catch {
    // Gone meanwhile, or another user's.
    return undefined
  }
}

/** The mark in what /proc/PID/environ holds. */
export function parseEnviron(text: string): string | undefined {
  const start = `${markVariable}=`
  return text
    .split('\0')
    .find((setting) => setting.startsWith(start))
    ?.slice(start.length)
}

/** The marks in what `ps -Eaxww -o pid=,command=` of macOS prints: the environment follows the command. */
export function parsePsMarks(text: string): ReadonlyMap<number, string> {
  const marked = new RegExp(String.raw`^\s*(\d+)\s.*\s${markVariable}=([0-9a-f]+)(?=\s|$)`, 'gm')
  return new Map([...text.matchAll(marked)].map(([, pid, mark = '']) => [Number(pid), mark]))
}
