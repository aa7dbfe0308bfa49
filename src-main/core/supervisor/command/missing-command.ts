const shownFolders = 4

const hints: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:node|npx|npm|pnpm|pnpx|yarn|corepack)$/,
    'Node.js is not installed or not where Patchbay looks; install it from nodejs.org',
  ],
  [/^uvx?$/, 'uv is not installed or not where Patchbay looks; install it from docs.astral.sh/uv'],
  [/^docker$/, 'Docker is not installed or not where Patchbay looks; install it from docker.com'],
  [
    /^(?:python3?|pip3?|pipx)$/,
    'Python is not installed or not where Patchbay looks; install it from python.org',
  ],
]

/**
 * Says that a command, or the program that a script needs, is in none of the folders that were searched. Completes
 * "… because".
 */
export function toMissingCommand(subject: string, name: string, folders: readonly string[]): Error {
  const [, hint = 'install it'] =
    hints.find(([pattern]) => pattern.test(name.replace(/\.(?:exe|cmd)$/i, ''))) ?? []
  return new Error(
    `${subject} was not found in ${toPlaces(folders)}: ${hint}, or give its full path in the configuration`,
  )
}

/**
 * What a command that is not there was probably meant to be: a path from the home folder, or a program with its
 * arguments. `canRun` tells whether a first word is a program.
 */
export async function findMisreading(
  command: string,
  canRun: (word: string) => Promise<boolean>,
): Promise<string | undefined> {
  if (command.startsWith('~')) return 'the ~ is not replaced here; write ${HOME} in its place'
  const [first = ''] = command.trim().split(/\s/)
  if (first === command || !(await canRun(first))) return undefined
  return `all of it is taken for the name of one program; leave only “${first}” there and put the rest into args`
}

function toPlaces(folders: readonly string[]): string {
  if (folders.length === 0) return 'any folder, as its PATH names none'
  const shown = folders.slice(0, shownFolders)
  const more = folders.length - shown.length
  if (more > 0) return `${shown.join(', ')} and ${more} more ${more === 1 ? 'folder' : 'folders'}`
  return shown.join(', ')
}
