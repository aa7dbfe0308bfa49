import path from 'node:path'
import type { CommandFiles } from './command-files.ts'

/** Where to look for a command, and how. */
export interface CommandPlaces {
  /** Folders in their order; those that are not absolute are left out, as they would depend on who asks. */
  readonly folders: readonly string[]
  readonly platform: NodeJS.Platform
  /** Windows: what PATHEXT says. */
  readonly extensions?: string | undefined
  readonly files: CommandFiles
}

/** Windows starts no other files by itself, whatever PATHEXT says. */
const runnable = ['.com', '.exe', '.bat', '.cmd']

/** Whether a command is a bare name, to be looked up in the folders of PATH. */
export function isBareName(command: string, platform: NodeJS.Platform): boolean {
  return !(platform === 'win32' ? /[\\/:]/ : /\//).test(command)
}

/** The file that a bare name, or on Windows a path without its extension, stands for. A folder is no command. */
export async function findCommand(command: string, places: CommandPlaces): Promise<string | undefined> {
  const { folders, platform, files } = places
  const paths = platform === 'win32' ? path.win32 : path.posix
  const candidates = isBareName(command, platform)
    ? folders.filter((folder) => paths.isAbsolute(folder)).map((folder) => paths.join(folder, command))
    : [command]
  for (const candidate of candidates) {
    for (const extension of listExtensions(command, places)) {
      if (await files.canRun(candidate + extension)) return candidate + extension
    }
  }
  return undefined
}

/** What to put after the name. npm lays a shell script `npx` beside `npx.cmd`: the bare name is not even tried. */
function listExtensions(command: string, { platform, extensions }: CommandPlaces): readonly string[] {
  if (platform !== 'win32' || runnable.includes(path.win32.extname(command).toLowerCase())) return ['']
  const listed =
    extensions?.split(';').filter((extension) => runnable.includes(extension.toLowerCase())) ?? []
  return listed.length > 0 ? listed : runnable
}

/** Folders of the value of PATH, in their order. */
export function splitPath(value: string | undefined, platform: NodeJS.Platform): readonly string[] {
  if (platform !== 'win32') return value?.split(':').filter((folder) => folder !== '') ?? []
  // There a folder may stand in quotes.
  const folders = value?.split(';').map((folder) => folder.replaceAll('"', '').trim())
  return folders?.filter((folder) => folder !== '') ?? []
}

/** The program that a script has looked up in PATH: `node` for one that begins with `#!/usr/bin/env node`. */
export async function findInterpreter(file: string, files: CommandFiles): Promise<string | undefined> {
  const start = await files.readStart(file, 256)
  const [, rest] = /^#![ \t]*(?:\/usr)?\/bin\/env[ \t]+(?:-S[ \t]*)?([^\r\n]+)/.exec(start) ?? []
  const name = rest?.split(/[ \t]+/).find((word) => word !== '' && !word.includes('='))
  return name === undefined || /^-|\//.test(name) ? undefined : name
}
