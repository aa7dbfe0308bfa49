import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { z } from 'zod'

/** One process of this machine. A pid may come again; pid and start time together do not. */
export interface ProcessRow {
  readonly pid: number
  /** Of the program; empty where the table does not tell. */
  readonly name: string
  /** 0 when not known. */
  readonly parent: number
  /** Id of its process group; 0 on Windows, which has none. */
  readonly group: number
  /** When it started: only good for comparing, and only on this machine. Empty when not known. */
  readonly startedAt: string
  /** Suspended by a signal: there, but not running. */
  readonly isStopped: boolean
  /** Over, and only waiting for its parent to take notice. */
  readonly isZombie: boolean
}

const psTable = ['-axo', 'pid=,ppid=,pgid=,stat=,lstart=']

const cimScript = [
  'Get-CimInstance Win32_Process',
  'ForEach-Object { [pscustomobject]@{ pid = $_.ProcessId; startedAt = ' +
    "if ($_.CreationDate) { [string]$_.CreationDate.ToFileTimeUtc() } else { '' } } }",
  'ConvertTo-Json -Compress',
].join(' | ')

/** Every process that this user can see. Rejects when the system does not tell. */
export async function readProcesses(platform: NodeJS.Platform): Promise<readonly ProcessRow[]> {
  if (platform === 'linux') return readProc()
  if (platform !== 'win32') return parsePsTable(await runSystemTool('ps', psTable))
  return parseCimTable(
    await runSystemTool('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', cimScript]),
  )
}

/** When a process started, where that can be told at once: on Linux. Elsewhere, and for one that is gone, undefined. */
export function findStartedAt(pid: number, platform: NodeJS.Platform): string | undefined {
  return platform === 'linux' ? findProcRow(pid, readBootId())?.startedAt : undefined
}

/** Whether a process is suspended, as by SIGSTOP. False for one that is gone, and on Windows. */
export async function isStopped(pid: number, platform: NodeJS.Platform): Promise<boolean> {
  if (platform === 'win32') return false
  if (platform === 'linux') return findProcRow(pid, '')?.isStopped ?? false
  try {
    return (await runSystemTool('ps', ['-o', 'stat=', '-p', String(pid)])).trim().startsWith('T')
  } catch {
    // ps fails for a process that is gone.
    return false
  }
}

/** What a tool of the operating system prints, in English and UTC. Rejects when it fails or takes more than 5 s. */
export async function runSystemTool(command: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const limits = { timeout: 5000, maxBuffer: 64 * 1024 * 1024, windowsHide: true }
  const { stdout } = await promisify(execFile)(command, args, { ...limits, env })
  return stdout
}

// Read at once: the kernel answers from memory, much sooner than a thread of the pool could take over.
function readProc(): ProcessRow[] {
  const bootId = readBootId()
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => findProcRow(Number(name), bootId))
    .filter((row) => row !== undefined)
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

function findProcRow(pid: number, bootId: string): ProcessRow | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'), bootId)
  } catch {
    // Gone since it was listed.
    return undefined
  }
}

/** A line of /proc/PID/stat. The boot's id belongs to the start time, which counts from the boot. */
export function parseProcStat(text: string, bootId: string): ProcessRow {
  // The name, in brackets, may hold spaces and brackets itself: only its last bracket counts.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent, group] = fields
  const ticks = fields[19]
  if (ticks === undefined) throw new Error('This is no line of /proc/PID/stat.')
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    parent: Number(parent),
    group: Number(group),
    startedAt: `${bootId}:${ticks}`,
    isStopped: /^[Tt]/.test(state),
    isZombie: /^[ZX]/.test(state),
  }
}

/** What `ps -axo pid=,ppid=,pgid=,stat=,lstart=` prints. Lines of another shape are left out. */
export function parsePsTable(text: string): ProcessRow[] {
  const rows: ProcessRow[] = []
  for (const line of text.split('\n')) {
    const [, pid, parent, group, state, startedAt] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*\S)\s*$/.exec(line) ?? []
    if (state === undefined || startedAt === undefined) continue
    rows.push({
      pid: Number(pid),
      name: '',
      parent: Number(parent),
      group: Number(group),
      startedAt,
      isStopped: state.startsWith('T'),
      isZombie: state.startsWith('Z'),
    })
  }
  return rows
}

const cimRow = z.object({ pid: z.number(), startedAt: z.string() })

/** What our PowerShell script prints. Parents are left out: on Windows their pids may belong to others by now. */
export function parseCimTable(text: string): ProcessRow[] {
  const rows = z.union([z.array(cimRow), cimRow.transform((row) => [row])]).parse(JSON.parse(text))
  return rows.map((row) => ({ ...row, name: '', parent: 0, group: 0, isStopped: false, isZombie: false }))
}
