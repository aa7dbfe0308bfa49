import type { Logger } from '../../observe/logger.ts'
import { readProcesses, type ProcessRow } from '../process-table.ts'
import { findTree, ProcessTree } from '../process-tree.ts'
import type { ChildRecord, ChildRecords } from './child-records.ts'
import { readMarks } from './process-marks.ts'

/** What ending orphans takes. */
export interface EndOrphansOptions {
  readonly records: ChildRecords
  readonly platform: NodeJS.Platform
  readonly logger: Logger
}

const terminateMs = 2000

/** The processes of this machine, and the marks that some carry. */
export interface Processes {
  readonly rows: readonly ProcessRow[]
  readonly marks: ReadonlyMap<number, string>
}

/** What became of the child of a record. */
export type Fate =
  | { readonly type: 'gone' }
  /** The Patchbay that started it runs, or it is Patchbay itself that runs in its tree. */
  | { readonly type: 'kept' }
  | { readonly type: 'orphaned'; readonly members: readonly ProcessRow[]; readonly ownsGroup: boolean }

/** Ends what the recorded children of apps that are gone left running. Gives how many trees; never rejects. */
export async function endOrphans({ records, platform, logger }: EndOrphansOptions): Promise<number> {
  try {
    const found = await records.readAll()
    if (found.length === 0) return 0
    const rows = await readProcesses(platform)
    const processes = { rows, marks: await readMarks(rows, platform) }
    const end = async (record: ChildRecord): Promise<boolean> => {
      const fate = findFate(record, processes)
      if (fate.type === 'kept') return false
      const hasEnded = fate.type === 'gone' || (await endTree(record, fate, platform))
      if (hasEnded) records.remove(record.mark)
      if (fate.type === 'gone') return false
      const fields = { server: record.server, pid: record.pid, processes: fate.members.length }
      if (hasEnded) logger.info('Ended a server that an earlier Patchbay left running.', fields)
      else logger.warning('A server that an earlier Patchbay left running cannot be ended.', fields)
      return hasEnded
    }
    return (await Promise.all(found.map(end))).filter(Boolean).length
  } catch (error) {
    logger.warning('It cannot be told whether an earlier Patchbay left servers running.', {
      reason: (error as Error).message,
    })
    return 0
  }
}

/**
 * What is certainly left of a recorded child: itself, by its start time; others by the mark that only it handed on; what
 * is in its group with one of these; and what descends from them.
 */
export function findFate(record: ChildRecord, { rows, marks }: Processes, self = process.pid): Fate {
  const living = rows.filter((row) => !row.isZombie)
  const { owner } = record
  const isOwner = (row: ProcessRow): boolean =>
    row.pid === owner.pid && (owner.startedAt === null || row.startedAt === owner.startedAt)
  if (living.some(isOwner)) return { type: 'kept' }
  const isLeader = (row: ProcessRow): boolean => row.pid === record.pid && row.startedAt === record.startedAt
  const isMarked = (row: ProcessRow): boolean => marks.get(row.pid) === record.mark
  const isInGroup = (row: ProcessRow): boolean => row.group === record.pid
  // A number that belongs to a group is given to no other: one certain member vouches for all of it.
  const ownsGroup = living.some((row) => isInGroup(row) && (isLeader(row) || isMarked(row)))
  const members = findTree(living, (row) => isLeader(row) || isMarked(row) || (ownsGroup && isInGroup(row)))
  if (members.some((row) => row.pid === self)) return { type: 'kept' }
  return members.length === 0 ? { type: 'gone' } : { type: 'orphaned', members, ownsGroup }
}

async function endTree(
  { pid }: ChildRecord,
  { members, ownsGroup }: Extract<Fate, { type: 'orphaned' }>,
  platform: NodeJS.Platform,
): Promise<boolean> {
  const tree = new ProcessTree({ leader: pid, ownsGroup, members, platform })
  await tree.end('terminate')
  if (await tree.isGoneWithin(terminateMs)) return true
  await tree.end('kill')
  return tree.isGoneWithin(terminateMs)
}
