import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Logger } from '../observe/logger.ts'
import { findVariable, toChildEnvironment, type Environment } from './child-environment.ts'
import { createCommandFiles, type CommandFiles } from './command/command-files.ts'
import { findCommand, findInterpreter, isBareName, splitPath } from './command/find-command.ts'
import { LoginShellPath } from './command/login-shell-path.ts'
import { findMisreading, toMissingCommand } from './command/missing-command.ts'
import { SearchPath } from './command/search-path.ts'
import { toWindowsCommand } from './command/windows-command.ts'
import { ManagedProcess, type ProcessCommand } from './managed-process.ts'
import { ChildRecords } from './orphans/child-records.ts'
import { endOrphans } from './orphans/end-orphans.ts'
import { markVariable } from './orphans/process-marks.ts'

/** What starting servers takes. */
export interface LauncherOptions {
  /** What servers inherit. */
  readonly env: Environment
  readonly platform: NodeJS.Platform
  /** Where it is noted which children run: absolute, of this data folder alone. Made when needed. */
  readonly recordFolder: string
  readonly logger: Logger
  /** For tests of other platforms. */
  readonly files?: CommandFiles
}

/** A server's command as it is configured. */
export interface ServerCommand {
  /** A name to be looked up in PATH, or a path. */
  readonly command: string
  readonly args: readonly string[]
  /** The server's own variables. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute; the folder Patchbay runs in when left out. */
  readonly cwd?: string | undefined
}

/** Finds the commands of servers, starts them, and ends what an app that was killed left running. */
export class Launcher {
  readonly #options: LauncherOptions
  readonly #files: CommandFiles
  readonly #shell: LoginShellPath
  readonly #searchPath: SearchPath
  readonly #records: ChildRecords

  constructor(options: LauncherOptions) {
    const { env, platform, recordFolder, logger } = options
    this.#options = options
    this.#files = options.files ?? createCommandFiles(platform)
    this.#records = new ChildRecords({ folder: recordFolder, platform, logger })
    this.#shell = new LoginShellPath({
      env: toChildEnvironment(env, {}, platform),
      logger,
      launch: (command) => this.launch(command, 'login shell'),
    })
    this.#searchPath = new SearchPath(env, platform, this.#shell)
  }

  /**
   * What to start for a server: its command found, its environment complete. Waits for the login shell, up to 5 s, only
   * where something has to be looked up there. Rejects with an error whose message completes "… because".
   */
  prepare(server: ServerCommand): Promise<ProcessCommand> {
    if (this.#options.platform === 'win32') return this.#prepareForWindows(server)
    void this.#shell.ask()
    return this.#prepareForUnix(server)
  }

  /** Starts a process and notes it down, so that a later app can find it should this one be killed. */
  launch(command: ProcessCommand, server: string): ManagedProcess {
    const mark = randomBytes(16).toString('hex')
    const env = { ...command.env, [markVariable]: mark }
    const child = new ManagedProcess({ ...command, env }, this.#options.platform)
    if (child.pid !== undefined) {
      this.#records.add({ pid: child.pid, mark, server })
      void child.gone.then(() => {
        this.#records.remove(mark)
      })
    }
    return child
  }

  /**
   * Ends what an app of this data folder that was killed left running, and gives how many trees that were. To be called
   * once it is certain that no other app of this data folder runs. Never rejects; takes up to 4 s when something has to
   * be ended.
   */
  endOrphans(): Promise<number> {
    const { platform, logger } = this.#options
    return endOrphans({ records: this.#records, platform, logger })
  }

  /** Ends a login shell that is still being asked. Servers are stopped by who launched them. */
  stop(): Promise<void> {
    return this.#shell.stop()
  }

  async #prepareForUnix({ command, args, env: own, cwd }: ServerCommand): Promise<ProcessCommand> {
    const { env, platform } = this.#options
    const ownFolders = own['PATH'] === undefined ? undefined : splitPath(own['PATH'], platform)
    const find = (name: string): Promise<string | undefined> => {
      const lookUp = (folders: readonly string[]): Promise<string | undefined> =>
        findCommand(name, { folders, platform, files: this.#files })
      return ownFolders === undefined ? this.#searchPath.find(lookUp) : lookUp(ownFolders)
    }
    const toError = (subject: string, name: string): Error =>
      toMissingCommand(subject, name, ownFolders ?? this.#searchPath.folders)

    const file = isBareName(command, platform) ? await find(command) : path.resolve(cwd ?? '', command)
    const canRun = file !== undefined && (await this.#files.canRun(file))
    if (!canRun) {
      const misreading = await findMisreading(command, async (word) =>
        isBareName(word, platform) ? (await find(word)) !== undefined : this.#files.canRun(word),
      )
      if (misreading !== undefined) throw new Error(`its command “${command}” was not found: ${misreading}`)
    }
    if (file === undefined) throw toError(`its command “${command}”`, command)
    const interpreter = canRun ? await findInterpreter(file, this.#files) : undefined
    if (interpreter !== undefined && (await find(interpreter)) === undefined) {
      throw toError(`the program “${interpreter}”, which its command “${command}” needs,`, interpreter)
    }
    const known = this.#searchPath.value
    return {
      command: file,
      args,
      env: toChildEnvironment(known === undefined ? env : { ...env, PATH: known }, own, platform),
      cwd,
    }
  }

  async #prepareForWindows({ command, args, env: own, cwd }: ServerCommand): Promise<ProcessCommand> {
    const { platform } = this.#options
    const env = toChildEnvironment(this.#options.env, own, platform)
    const getVariable = (name: string): string | undefined => findVariable(env, name, platform)
    const folders = splitPath(getVariable('PATH'), platform)
    const places = { folders, platform, extensions: getVariable('PATHEXT'), files: this.#files }
    const isBare = isBareName(command, platform)
    const file = await findCommand(isBare ? command : path.win32.resolve(cwd ?? '', command), places)
    if (file === undefined && isBare) throw toMissingCommand(`its command “${command}”`, command, folders)
    const prepared = await toWindowsCommand(file ?? command, args, {
      files: this.#files,
      shell: getVariable('ComSpec') ?? String.raw`C:\Windows\System32\cmd.exe`,
      findNode: () => findCommand('node.exe', places),
    })
    return { ...prepared, env, cwd }
  }
}
