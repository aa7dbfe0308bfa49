import path from 'node:path'
import { isSameFile } from '#base/is-same-file.ts'
import { readRegularFile } from '#base/read-regular-file.ts'
import { writeFileAtomically } from '#base/write-atomically.ts'
import { addServers, createConfigText } from '#core/config/import/edit.ts'
import { findKnownServers, planImport, type ImportPlan } from '#core/config/import/plan.ts'
import { toPlanText, toSnippet } from '#core/config/import/report.ts'
import { longestConfig, parseConfig, toProblemText } from '#core/config/read-config.ts'
import { StartLockHeld, withStartLock } from '#core/gateway/start-lock.ts'
import type { Rendezvous } from '#contract/rendezvous.ts'
import { CommandFailed } from './command-failed.ts'
import { findDataFolder, openHeadlessHost } from './headless-host.ts'
import { findRunningApp } from './running-app.ts'

/** Options of `patchbay import`. */
export interface ImportOptions {
  readonly dataDir?: string
  readonly dryRun?: boolean
}

/** The file to import: its text, what it is called in messages, and where it would be, absolute. */
interface Source {
  readonly text: string
  readonly label: string
  readonly file: string
}

/** What config.json would become. `before` is undefined while there is none. */
interface Outcome {
  readonly plan: ImportPlan
  readonly before: Buffer | undefined
  /** Undefined when there is nothing to add. */
  readonly after: string | undefined
}

const attempts = 10
/** Editors keep much besides in some of these files. */
const longestSource = 64 * 1024 * 1024
const unknownCode = 'unknown'

/** Takes servers from a file of any known shape into config.json. Gives the exit code: 0 when there is one to have. */
export async function importServers(from: string, { dataDir, dryRun }: ImportOptions): Promise<number> {
  const dataFolder = findDataFolder(dataDir)
  const configFile = path.join(dataFolder, 'config.json')
  const source = await readSource(from)
  const app = await findRunningApp(dataFolder)
  await refuseOtherConfig(app, source, configFile)
  // A file that is no good leaves no data folder behind.
  let outcome = await prepare(source, configFile)
  const isDryRun = dryRun === true
  if (!isDryRun && addedOf(outcome.plan).length > 0) {
    await openHeadlessHost(dataFolder)
    outcome = await write(source, configFile)
  }
  const { plan, before } = outcome
  process.stdout.write(toPlanText(plan, { label: source.label, configFile, isDryRun }))
  if (!isDryRun && addedOf(plan).length > 0) {
    process.stdout.write(toWhatNext(app, before === undefined ? undefined : toBackup(configFile)))
  }
  return plan.servers.some(({ kind }) => kind !== 'left-out') ? 0 : 1
}

function addedOf({ servers }: ImportPlan) {
  return servers.filter((server) => server.kind === 'added')
}

function toBackup(configFile: string): string {
  return `${configFile}.bak`
}

function toWhatNext(app: Rendezvous | undefined, backup: string | undefined): string {
  const undo = 'To undo this, remove them there again'
  if (app !== undefined) return `The running app, pid ${app.pid}, picks the change up by itself. ${undo}.\n`
  // The app keeps its last good copy in the same place.
  return `${undo}${backup === undefined ? '' : `; until Patchbay runs, ${backup} holds what was there before`}.\n`
}

/** An app that runs another file would not see what is written to config.json. */
async function refuseOtherConfig(
  app: Rendezvous | undefined,
  source: Source,
  configFile: string,
): Promise<void> {
  const used = app?.config
  if (used === undefined || (await isSameFile(used, configFile))) return
  const added = addedOf(plan(source, configFile, undefined))
  const advice = `The running app uses ${used}, which Patchbay does not write`
  throw new CommandFailed(
    added.length === 0 ? `${advice}.` : `${advice}; add them there:\n${toSnippet(added)}`,
  )
}

/** Writes config.json. Whoever writes it at the same time loses nothing. */
async function write(source: Source, configFile: string): Promise<Outcome> {
  try {
    return await withStartLock(`${configFile}.lock`, () => tryToWrite(source, configFile))
  } catch (error) {
    if (error instanceof StartLockHeld) throw new CommandFailed(error.message)
    if (error instanceof CommandFailed || toCode(error) === unknownCode) throw error
    throw new CommandFailed(`${configFile} cannot be written (${toCode(error)}); it is as it was.`)
  }
}

async function tryToWrite(source: Source, configFile: string): Promise<Outcome> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const outcome = await prepare(source, configFile)
    const { before, after } = outcome
    if (after === undefined) return outcome
    if (before !== undefined) await writeFileAtomically(toBackup(configFile), before)
    // Editors and the app do not know our lock.
    const current = await readCurrent(configFile)
    if (before === undefined ? current !== undefined : current?.equals(before) !== true) continue
    await writeFileAtomically(configFile, after)
    return outcome
  }
  throw new CommandFailed(`${configFile} is being changed again and again; try again when it is not.`)
}

/** Works out what config.json would become, and that it would hold. */
async function prepare(source: Source, configFile: string): Promise<Outcome> {
  const before = await readCurrent(configFile)
  const text = before === undefined ? undefined : decode(before, configFile)
  if (text !== undefined)
    requireToHold(text, configFile, 'Nothing was imported, since config.json has problems:')
  const planned = plan(source, configFile, text)
  const added = addedOf(planned)
  if (added.length === 0) return { plan: planned, before, after: undefined }
  const after = text === undefined ? createConfigText(added) : addServers(text, added)
  requireToHold(after, configFile, 'Nothing was imported, since config.json would have problems:')
  return { plan: planned, before, after }
}

function requireToHold(text: string, configFile: string, sentence: string): void {
  const result = parseConfig(text, configFile, process.env)
  if (!result.ok) throw new CommandFailed([sentence, ...result.problems.map(toProblemText)].join('\n'))
}

function plan({ text, label, file }: Source, configFile: string, current: string | undefined): ImportPlan {
  const known = current === undefined ? [] : findKnownServers(current)
  const planned = planImport(text, file, { known, env: process.env, configFile })
  if (planned.ok) return planned
  const { place, message } = planned
  throw new CommandFailed(
    place === undefined ? `${label}: ${message}` : `${label}:${place.line}:${place.column}: ${message}`,
  )
}

async function readCurrent(configFile: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(configFile, longestConfig)
  } catch (error) {
    if (toCode(error) === 'ENOENT') return undefined
    throw new CommandFailed(`${configFile}: ${toReadFailure(toCode(error))}`)
  }
}

async function readSource(from: string): Promise<Source> {
  const label = from === '-' ? 'stdin' : from
  let bytes: Buffer
  try {
    bytes = from === '-' ? await readAll(process.stdin) : await readRegularFile(from, longestSource)
  } catch (error) {
    throw new CommandFailed(`${label}: ${toReadFailure(toCode(error))}`)
  }
  return { text: decode(bytes, label), label, file: path.resolve(from) }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function decode(bytes: Buffer, label: string): string {
  try {
    // The mark at its start stays: it is written again.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new CommandFailed(`${label}: This file is not UTF-8 text.`, { cause })
  }
}

function toCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? unknownCode
}

function toReadFailure(code: string): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'There is no such file.'
  if (code === 'ENOTREG') return 'This is no regular file; expected a file, or - for stdin.'
  if (code === 'EFBIG') return 'This file is too large; expected one of a program that speaks MCP.'
  return code === 'EISDIR' ? 'This is a folder; expected a file.' : `This file cannot be read (${code}).`
}
