import { setTimeout as delay } from 'node:timers/promises'
import { isGroupAlive, killProcess, killTree, type KillForce } from './kill-tree.ts'
import { readProcesses, type ProcessRow } from './process-table.ts'

/** Which processes make up a tree. */
export interface ProcessTreeOptions {
  /** Pid of the process that the tree began with. */
  readonly leader: number
  /** Whether the process group with the leader's number is ours, and not one that came later. */
  readonly ownsGroup: boolean
  /** Processes known to belong to it, in the group or not. */
  readonly members?: readonly ProcessRow[]
  readonly platform: NodeJS.Platform
}

/**
 * A process with all that it started: its group, and what left the group but was seen as a descendant. Members are
 * known by pid and start time, so that a process that got a pid of theirs later is never touched.
 */
export class ProcessTree {
  readonly #leader: number
  readonly #platform: NodeJS.Platform
  #ownsGroup: boolean
  /** Whether the last look found nothing in the group. */
  #seemsEmpty = false
  /** Start times by pid: of what was there at the last look. */
  #members: ReadonlyMap<number, string>
  /** Members that a signal to the group does not reach. */
  #outsiders: readonly number[]

  constructor({ leader, ownsGroup, members = [], platform }: ProcessTreeOptions) {
    this.#leader = leader
    this.#ownsGroup = ownsGroup
    this.#platform = platform
    this.#members = new Map(members.map((row) => [row.pid, row.startedAt]))
    this.#outsiders = members.filter((row) => row.group !== leader).map((row) => row.pid)
  }

  /**
   * Finds out what belongs to it now, and gives whether that could be told. To be done before the leader goes: its
   * descendants cannot be told later.
   */
  async look(): Promise<boolean> {
    // There taskkill walks the tree, and the table takes a second to read.
    if (this.#platform === 'win32' && this.#members.size === 0) return false
    const rows = await this.#readRows()
    if (rows.length === 0) return false
    const members = findTree(
      rows,
      (row) =>
        (this.#ownsGroup && row.group === this.#leader) || this.#members.get(row.pid) === row.startedAt,
    )
    this.#members = new Map(members.map((row) => [row.pid, row.startedAt]))
    this.#outsiders = members.filter((row) => row.group !== this.#leader).map((row) => row.pid)
    if (!this.#ownsGroup) return true
    const isEmpty = !members.some((row) => row.group === this.#leader)
    // The table is no snapshot: one that exits while it is read may have a child that is not in it yet.
    const isCertain = this.#seemsEmpty || !isGroupAlive(this.#leader, this.#platform)
    this.#seemsEmpty = isEmpty
    // A group that was empty once stays so: one with its number is somebody else's.
    if (isEmpty && !isCertain) return this.look()
    this.#ownsGroup = !isEmpty
    return true
  }

  /** Looks again and signals all of it. */
  async end(force: KillForce): Promise<void> {
    const isKnown = await this.look()
    if (this.#ownsGroup) killTree(this.#leader, force, this.#platform)
    // Without a look at the table, their pids may be somebody else's by now.
    for (const pid of isKnown ? this.#outsiders : []) killProcess(pid, force, this.#platform)
  }

  /** Whether all of it is gone, or will be within so many milliseconds. Asks once when there are none. */
  async isGoneWithin(milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds
    for (let pause = 10; ; pause = Math.min(2 * pause, 200)) {
      if (await this.#isGone()) return true
      const left = deadline - performance.now()
      if (left <= 0) return false
      await delay(Math.min(pause, left))
    }
  }

  async #isGone(): Promise<boolean> {
    if (this.#isNothingLeft()) return true
    // What still takes signals may be corpses that nobody has buried: the table tells.
    await this.look()
    return this.#isNothingLeft()
  }

  #isNothingLeft(): boolean {
    this.#ownsGroup &&= isGroupAlive(this.#leader, this.#platform)
    return !this.#ownsGroup && this.#outsiders.length === 0
  }

  /** None when the table cannot be read, or does not even show ourselves: then only the group is known. */
  async #readRows(): Promise<readonly ProcessRow[]> {
    try {
      const rows = await readProcesses(this.#platform)
      return rows.some((row) => row.pid === process.pid) ? rows : []
    } catch {
      // No /proc, no ps: the group is all that can be ended.
      return []
    }
  }
}

/** Programs that open something for the user: a browser behind them is the user's, whoever asked for it. */
const openers = new Set([
  'xdg-open',
  'gio',
  'gio-launch-desk',
  'kde-open',
  'kde-open5',
  'exo-open',
  'wslview',
])

/**
 * The living processes that are meant, and the living ones that descend from them, without what an opener opened for the
 * user.
 */
export function findTree(
  rows: readonly ProcessRow[],
  isMeant: (row: ProcessRow) => boolean,
): readonly ProcessRow[] {
  const living = rows.filter((row) => !row.isZombie)
  const children = new Map<number, ProcessRow[]>()
  for (const row of living) children.set(row.parent, [...(children.get(row.parent) ?? []), row])
  const collect = (roots: readonly ProcessRow[]): Set<ProcessRow> => {
    // A set hands out what is added while it is gone through.
    const found = new Set(roots)
    for (const row of found) for (const child of children.get(row.pid) ?? []) found.add(child)
    return found
  }
  const opened = collect(living.filter((row) => openers.has(row.name)))
  return [...collect(living.filter(isMeant))].filter((row) => !opened.has(row))
}
