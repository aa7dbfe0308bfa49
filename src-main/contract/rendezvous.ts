// Paths and shapes by which a client finds the running app. Pure: no Node, no zod; all that the shim imports.

/** What the data folder depends on. `home` is the user's home folder, absolute. */
export interface FolderHints {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

/**
 * The data folder: `option` (`--data-dir`), else PATCHBAY_HOME, else the system's place for app data.
 * Relative options stay relative: the caller resolves them against its working directory.
 */
export function toDataFolder(option: string | undefined, hints: FolderHints): string {
  const { platform, env, home } = hints
  const chosen = option ?? env['PATCHBAY_HOME']
  if (chosen) return chosen
  if (platform === 'darwin') return `${home}/Library/Application Support/Patchbay`
  if (platform === 'win32') return `${env['APPDATA'] ?? `${home}\\AppData\\Roaming`}\\Patchbay`
  return `${env['XDG_CONFIG_HOME'] ? env['XDG_CONFIG_HOME'] : `${home}/.config`}/Patchbay`
}

/** File names inside the data folder. */
export const rendezvousFile = 'rendezvous.json'
export const launchFile = 'launch.json'

/** `rendezvous.json`: there while the app runs. */
export interface Rendezvous {
  readonly version: 1
  readonly pid: number
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly appVersion: string
  /** Path of the local socket, or name of the Windows pipe. */
  readonly socket: string
  /** Address of the HTTP gateway, or null when there is none. */
  readonly url: string | null
  /** The local access token. */
  readonly token: string
  /** The file of the configuration that the app runs. */
  readonly config?: string
}

/** `launch.json`: how to start the app. */
export interface Launch {
  readonly version: 1
  readonly command: string
  readonly args: readonly string[]
}

/** First line from a client on the local socket. */
export interface Hello {
  readonly patchbay: 1
  readonly token: string
  readonly client: { readonly name: string; readonly pid?: number; readonly cwd?: string }
  readonly profile: string | null
  readonly server: string | null
}

/** Why a hello was refused. `busy` is worth another try, the others are not. */
const helloRefusals = ['bad-token', 'unknown-server', 'unknown-profile', 'busy'] as const
export type HelloRefusal = (typeof helloRefusals)[number]

/** The one line that answers a hello. After a refusal the connection closes. */
export type HelloAnswer =
  | { readonly patchbay: 1; readonly ok: true }
  | { readonly patchbay: 1; readonly ok: false; readonly code: HelloRefusal; readonly message: string }

/** The name by which commands of our own introduce themselves. */
export const commandClient = 'patchbay command'

/** Longest hello line, in bytes, and how long the app waits for it. */
export const helloLimits = { bytes: 64 * 1024, milliseconds: 5000 } as const

/** Text of rendezvous.json to its value. Throws an Error with a sentence when it is not one. */
export function parseRendezvous(text: string): Rendezvous {
  const value = parseObject(text, rendezvousFile)
  if (
    value['version'] !== 1 ||
    typeof value['pid'] !== 'number' ||
    typeof value['socket'] !== 'string' ||
    typeof value['token'] !== 'string'
  ) {
    throw new Error(`${rendezvousFile} is not of version 1 or lacks pid, socket or token.`)
  }
  return value as unknown as Rendezvous
}

/** Text of launch.json to its value. Throws an Error with a sentence when it is not one. */
export function parseLaunch(text: string): Launch {
  const value = parseObject(text, launchFile)
  const { version, command, args } = value
  if (version !== 1 || typeof command !== 'string' || !Array.isArray(args) || !args.every(isString)) {
    throw new Error(`${launchFile} is not of version 1 or lacks command or args.`)
  }
  return { version, command, args }
}

/** One line of text to a hello's answer. Throws an Error with a sentence when it is not one. */
export function parseHelloAnswer(text: string): HelloAnswer {
  const value = parseObject(text, 'The answer to the hello')
  if (value['patchbay'] !== 1 || typeof value['ok'] !== 'boolean') {
    throw new Error('What listens on the socket does not answer as Patchbay does.')
  }
  if (value['ok']) return { patchbay: 1, ok: true }
  const code = helloRefusals.find((known) => known === value['code']) ?? 'busy'
  return {
    patchbay: 1,
    ok: false,
    code,
    message: isString(value['message']) ? value['message'] : String(value['code']),
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${what} is not JSON.`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${what} is not a JSON object.`)
  }
  return value as Record<string, unknown>
}
