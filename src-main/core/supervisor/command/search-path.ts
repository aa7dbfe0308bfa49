import path from 'node:path'
import { findVariable, type Environment } from '../child-environment.ts'
import { splitPath } from './find-command.ts'

/** What the login shell has told so far. */
export interface ShellAnswer {
  readonly isSettled: boolean
  readonly value: string | undefined
  ask(): Promise<unknown>
}

/** What macOS gives to apps that were started from the Dock or the Finder. */
const launchdFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** Where commands are found, which grows once the login shell has answered. */
export class SearchPath {
  readonly #inherited: string | undefined
  readonly #platform: NodeJS.Platform
  readonly #isBare: boolean
  readonly #shell: ShellAnswer

  constructor(env: Environment, platform: NodeJS.Platform, shell: ShellAnswer) {
    this.#inherited = findVariable(env, 'PATH', platform)
    this.#platform = platform
    this.#shell = shell
    this.#isBare =
      platform === 'darwin' &&
      splitPath(this.#inherited, platform).every((folder) => launchdFolders.includes(folder))
  }

  /** The value of PATH as far as it is known by now. */
  get value(): string | undefined {
    const told = splitPath(this.#shell.value, this.#platform).filter((folder) => path.isAbsolute(folder))
    if (told.length === 0) return this.#inherited
    const inherited = this.#inherited === undefined ? [] : this.#inherited.split(path.delimiter)
    return [...new Set(this.#isBare ? [...told, ...inherited] : [...inherited, ...told])].join(path.delimiter)
  }

  get folders(): readonly string[] {
    return splitPath(this.value, this.#platform)
  }

  /** What a look-up finds in the folders known by now or, failing that, in those that the login shell adds. */
  async find(
    lookUp: (folders: readonly string[]) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const isWhole = this.#shell.isSettled
    // What a bare PATH finds may be the system's old one, where the user has a newer one in front.
    const found = this.#isBare && !isWhole ? undefined : await lookUp(this.folders)
    if (found !== undefined || isWhole) return found
    await this.#shell.ask()
    return lookUp(this.folders)
  }
}
