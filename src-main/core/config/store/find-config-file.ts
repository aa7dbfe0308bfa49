import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ConfigProblem } from '../read-config.ts'
import type { ConfigSource } from './read-source.ts'

/** Names to search for, the first of them in a folder wins. */
const names = ['patchbay.yaml', 'patchbay.yml', 'patchbay.json', 'patchbay.jsonc', 'patchbay.toml']

const writableByAll = 0o002
/** In such a folder everybody can change only what is their own, as in /tmp. */
const sticky = 0o1000

/** Where to look for the configuration. */
export interface ConfigPlaces {
  /** The file of `--config`. */
  readonly option?: string | undefined
  /** The folder to search, and all above it. Without it nothing is searched: who started us did not choose the folder. */
  readonly searchFrom?: string | undefined
  readonly dataFolder: string
  /** What to use while there is nothing else. */
  readonly ifNone?: string | undefined
}

/** A place that was looked at. `hidden`: it is there, but another comes first; `refused`: it is not safe to use. */
export interface ConfigCandidate {
  readonly file: string
  readonly outcome: 'used' | 'hidden' | 'refused' | 'missing'
}

/** Where the configuration comes from. */
export interface ConfigSearch {
  readonly source: ConfigSource
  /** In the order in which they count. */
  readonly searched: readonly ConfigCandidate[]
  /** Why the source may not be used. */
  readonly problem?: ConfigProblem
}

interface Place {
  readonly file: string
  readonly chosenBy: ConfigSource['chosenBy']
}

/**
 * Finds the configuration: `--config`, else the nearest `patchbay.*` from the working directory upwards, else the data
 * folder's config.json, else the fallback; files are never merged. Without any it is config.json, which is not there.
 */
export async function findConfigFile(places: ConfigPlaces): Promise<ConfigSearch> {
  const ownFile = path.resolve(places.dataFolder, 'config.json')
  const all = toPlaces(places, ownFile)
  const areThere = await Promise.all(all.map(({ file }) => isFile(file)))
  // What was asked for by name is used, there or not: then that is the problem.
  const chosen = all.find((place, index) => place.chosenBy === 'option' || areThere[index] === true) ??
    all.find(({ chosenBy }) => chosenBy === 'fallback') ?? { file: ownFile, chosenBy: 'data-folder' }
  const source: ConfigSource = { ...chosen, ownFile }
  const problem = await findUnsafePlace(source)
  const toOutcome = (file: string, isThere: boolean): ConfigCandidate['outcome'] => {
    if (!isThere) return 'missing'
    if (file === chosen.file) return problem === undefined ? 'used' : 'refused'
    return 'hidden'
  }
  const searched = all.map(({ file }, index) => ({
    file,
    outcome: toOutcome(file, areThere[index] === true),
  }))
  return problem === undefined ? { source, searched } : { source, searched, problem }
}

/** Why a source that nobody named may not be used: others could write it. To be asked again whenever it is read. */
export async function findUnsafePlace(source: ConfigSource): Promise<ConfigProblem | undefined> {
  if (source.chosenBy !== 'search') return undefined
  try {
    const reason = await findDanger(source.file)
    return reason === undefined ? undefined : toProblem(source, reason)
  } catch (error) {
    // Whoever reads it says so.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return toProblem(source, 'it cannot be looked at')
  }
}

/** Every place once, in the order in which they count. */
function toPlaces({ option, searchFrom, ifNone }: ConfigPlaces, ownFile: string): readonly Place[] {
  const found = searchFrom === undefined ? [] : toFolders(path.resolve(searchFrom))
  const all: Place[] = [
    ...(option === undefined ? [] : [{ file: path.resolve(option), chosenBy: 'option' as const }]),
    ...found.flatMap((folder) =>
      names.map((name) => ({ file: path.join(folder, name), chosenBy: 'search' as const })),
    ),
    { file: ownFile, chosenBy: 'data-folder' },
    ...(ifNone === undefined ? [] : [{ file: path.resolve(ifNone), chosenBy: 'fallback' as const }]),
  ]
  return all.filter(({ file }, index) => all.findIndex((place) => place.file === file) === index)
}

/** A folder and all around it, nearest first. */
function toFolders(folder: string): readonly string[] {
  const parent = path.dirname(folder)
  return parent === folder ? [folder] : [folder, ...toFolders(parent)]
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** Why a file that nobody named is not to be trusted: a configuration says which programs to run. */
async function findDanger(file: string): Promise<string | undefined> {
  const user = process.getuid?.()
  if (user === undefined) return undefined
  const target = await realpath(file)
  for (const place of new Set([file, target, path.dirname(file), path.dirname(target)])) {
    const { uid, mode } = await stat(place)
    const what = place === file || place === target ? 'it' : `its folder “${place}”`
    if (uid !== user && uid !== 0) return `${what} belongs to another user`
    if ((mode & writableByAll) !== 0) return `${what} may be written by every user`
  }
  // Whoever may write one of these can put another folder in the place of the next.
  for (const place of new Set([file, target].flatMap((one) => toFolders(path.dirname(one)).slice(1)))) {
    const { uid, mode } = await stat(place)
    const what = `the folder “${place}” around it`
    if (uid !== user && uid !== 0) return `${what} belongs to another user`
    if ((mode & (writableByAll | sticky)) === writableByAll) return `${what} may be written by every user`
  }
  return undefined
}

function toProblem({ file }: ConfigSource, reason: string): ConfigProblem {
  const message = `This file was found here, but ${reason}, who could have it run any program; change that, or name the file with --config.`
  return { code: 'unsafe-place', file, line: 1, column: 1, key: '', message }
}
