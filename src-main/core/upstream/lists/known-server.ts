import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { findMember, readMembers, readString } from '#base/json-head.ts'
import { writeFileAtomically } from '#base/write-atomically.ts'
import type { ServerConfig } from '../../config/config.ts'
import { emptyLists, listKinds, parseItems, type Lists } from './list-items.ts'

/** What is remembered of a server from one start to the next. */
export interface KnownServer {
  /** Its answer to `initialize`, byte for byte; undefined until it first answered. */
  readonly initialize: Buffer | undefined
  readonly lists: Lists
  /** Whether it ever asked its client something: then each session gets an upstream of its own. */
  readonly asksClient: boolean
}

export const unknownServer: KnownServer = { initialize: undefined, lists: emptyLists, asksClient: false }

/** A server that is started in another way is another server: what was remembered does not hold for it. */
function toFingerprint(server: ServerConfig): string {
  const { transport } = server
  const place =
    transport.type === 'stdio' ? [transport.command, transport.args, transport.cwd] : [transport.url]
  return createHash('sha256').update(JSON.stringify(place)).digest('hex')
}

function toFile(folder: string, server: string): string {
  return path.join(folder, `${server}.json`)
}

/**
 * Reads `cache/lists/<server>.json`. A file that is missing, broken or about another server gives what is known of an
 * unknown one, and `problem` says so when it was broken.
 */
export async function readKnownServer(
  folder: string,
  server: ServerConfig,
): Promise<{ readonly known: KnownServer; readonly problem?: string }> {
  let bytes: Buffer
  try {
    bytes = await readFile(toFile(folder, server.name))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return {
      known: unknownServer,
      ...(code === 'ENOENT' ? {} : { problem: `It cannot be read (${code ?? 'unknown'}).` }),
    }
  }
  try {
    return { known: parseKnownServer(bytes, toFingerprint(server)) ?? unknownServer }
  } catch (error) {
    return { known: unknownServer, problem: error instanceof Error ? error.message : 'It is broken.' }
  }
}

function parseKnownServer(bytes: Buffer, fingerprint: string): KnownServer | undefined {
  const members = readMembers(bytes)
  if (readString(bytes, members.get('fingerprint')) !== fingerprint) return undefined
  const initialize = members.get('initialize')
  const asks = members.get('asksClient')
  const lists = listKinds.map((kind) => [kind, parseItems(kind, bytes, members.get(kind))] as const)
  return {
    initialize: initialize && Buffer.from(bytes.subarray(initialize.start, initialize.end)),
    lists: Object.fromEntries(lists) as Record<(typeof listKinds)[number], ReturnType<typeof parseItems>>,
    asksClient: asks !== undefined && bytes.toString('latin1', asks.start, asks.end) === 'true',
  }
}

/** Writes `cache/lists/<server>.json`, atomically. Rejects with the file system's error. */
export async function writeKnownServer(
  folder: string,
  server: ServerConfig,
  known: KnownServer,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = toFile(folder, server.name)
  const members = [
    Buffer.from(
      `{"version":1,"fingerprint":"${toFingerprint(server)}","asksClient":${String(known.asksClient)}`,
    ),
    ...(known.initialize === undefined ? [] : [Buffer.from(',\n"initialize":'), known.initialize]),
    ...listKinds.flatMap((kind) => [
      Buffer.from(`,\n"${kind}":`),
      toArray(known.lists[kind].map((item) => item.bytes)),
    ]),
    Buffer.from('}\n'),
  ]
  await writeFileAtomically(file, Buffer.concat(members))
}

const comma = Buffer.from(',')

/** A JSON array of values that are JSON already. */
export function toArray(values: readonly Buffer[]): Buffer {
  const separated = values.flatMap((value, index) => (index === 0 ? [value] : [comma, value]))
  return Buffer.concat([Buffer.from('['), ...separated, Buffer.from(']')])
}

/** The capabilities that a server's answer to `initialize` names. */
export function readCapabilities(initialize: Buffer): ReadonlySet<string> {
  const capabilities = findMember(initialize, { start: 0, end: initialize.length }, 'capabilities')
  return capabilities === undefined ? new Set() : new Set(readMembers(initialize, capabilities).keys())
}
