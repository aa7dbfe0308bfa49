import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Logger } from '../../observe/logger.ts'
import type { Environment } from '../child-environment.ts'
import type { ManagedProcess, ProcessCommand } from '../managed-process.ts'

/** What asking the login shell takes. */
export interface LoginShellOptions {
  /** What the shell inherits; its SHELL says which one to ask. */
  readonly env: Environment
  readonly logger: Logger
  /** Starts the shell. */
  readonly launch: (command: ProcessCommand) => ManagedProcess
  /** How long it may take, in milliseconds. */
  readonly timeoutMs?: number
}

const maxCharacters = 1024 * 1024

/** Start-up files do less when they see these: no update in between, no terminal multiplexer. */
const quiet = { DISABLE_AUTO_UPDATE: 'true', ZSH_TMUX_AUTOSTART: 'false', ZSH_TMUX_AUTOSTARTED: 'true' }

/** The PATH that the user has in a terminal. An app that was started from a dock or menu did not inherit it. */
export class LoginShellPath {
  readonly #options: LoginShellOptions
  #answer: Promise<string | undefined> | undefined
  #shell: ManagedProcess | undefined
  #isSettled = false
  #isStopped = false
  #value: string | undefined

  constructor(options: LoginShellOptions) {
    this.#options = options
  }

  /** Whether the shell has answered, or failed to. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Its PATH; undefined until it is settled, and when the shell failed to answer. */
  get value(): string | undefined {
    return this.#value
  }

  /** Asks the shell, once for all. Never rejects: why it failed is in the log. */
  ask(): Promise<string | undefined> {
    this.#answer ??= this.#ask()
    return this.#answer
  }

  /** Ends a shell that is still being asked. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#shell?.stop({ closeMs: 0, terminateMs: 500 })
  }

  async #ask(): Promise<string | undefined> {
    const { env, logger, launch, timeoutMs = 5000 } = this.#options
    const delimiter = randomBytes(16).toString('hex')
    const command = toShellCommand(env, delimiter)
    const shell = launch(command)
    this.#shell = shell
    try {
      this.#value = await readAnswer(shell, delimiter, timeoutMs)
    } catch (error) {
      if (this.#isStopped) return undefined
      logger.warning(
        'The login shell did not tell its PATH: servers get only the one Patchbay started with.',
        {
          shell: command.command,
          reason: (error as Error).message,
        },
      )
    }
    this.#isSettled = true
    // What its start-up files left in the background holds nothing of ours, and goes with it.
    void shell.stop({ closeMs: 500, terminateMs: 500 })
    return this.#value
  }
}

/** Asks in words that all shells understand alike: another shell, which every system has, prints what it inherits. */
function toShellCommand(env: Environment, delimiter: string): ProcessCommand {
  const { SHELL: named = '' } = env
  const isShell = path.isAbsolute(named) && !['nologin', 'false'].includes(path.basename(named))
  // The delimiters are not in the command itself, which some shells print before they run it.
  const script = `/bin/sh -c 'printf "<%s>%s</%s>" ${delimiter} "$PATH" ${delimiter}'`
  return {
    command: isShell ? named : '/bin/sh',
    args: [isShell ? '-ilc' : '-lc', script],
    env: { ...env, ...quiet },
    cwd: undefined,
  }
}

/** What stands between the delimiters. Rejects with the reason when that does not come. */
function readAnswer(shell: ManagedProcess, delimiter: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(fail, timeoutMs, `it did not answer within ${timeoutMs / 1000} s`)
    function fail(reason: string): void {
      clearTimeout(timer)
      reject(new Error(reason))
    }
    // It may be gone before it takes notice that there is no input.
    shell.stdin.on('error', () => undefined).end()
    shell.stderr.resume()
    let text = ''
    shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const start = text.indexOf(`<${delimiter}>`)
      const end = text.indexOf(`</${delimiter}>`, start)
      if (start !== -1 && end !== -1) {
        clearTimeout(timer)
        resolve(text.slice(start + delimiter.length + 2, end))
      } else if (text.length > maxCharacters) {
        fail('it printed too much')
      }
    })
    // Over before an answer came, or never begun: the reason is how it ended.
    if (shell.pid === undefined) void shell.exited.then(fail)
    shell.stdout.once('close', () => void shell.exited.then(fail))
  })
}
