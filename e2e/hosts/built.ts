// Where the built product lies, and how its command line is run to its end.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connectProcess, type RawClient } from '../clients/raw-client.ts'
import { openProcessWire } from '../clients/wire.ts'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import type { JsonObject } from '../servers/json-values.ts'

/** The project's folder. */
export const projectFolder = path.resolve(import.meta.dirname, '../..')
// An installed copy can be tested in place of the build.
const dist = process.env['PATCHBAY_DIST'] ?? path.join(projectFolder, 'dist')
/** The built command line, to be run by Node. */
export const patchbayFile = path.join(dist, 'cli/patchbay.mjs')

/** The built shim, to be run by Node. */
export const shimFile = path.join(dist, 'shim/shim.mjs')

/** What a command came to. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a command is run. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Milliseconds until it must have exited. */
  readonly deadline?: number
}

/** Runs a program of Node to its end, stdin empty. */
export async function runNode(args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { env, cwd, deadline = defaultDeadline } = options
  const wire = openProcessWire({
    command: process.execPath,
    args,
    env,
    ...(cwd === undefined ? {} : { cwd }),
  })
  let stdout = ''
  wire.input.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  wire.end()
  try {
    const tell = (): string => `patchbay ${args.slice(1).join(' ')} goes on\n${stdout}\n${wire.stderr()}`
    const code = await withDeadline(wire.closed, deadline, tell)
    return { code, stdout, stderr: wire.stderr() }
  } finally {
    wire.destroy()
  }
}

/** Runs `patchbay` with arguments to its end. */
export function runPatchbay(args: readonly string[], options: RunOptions): Promise<Outcome> {
  return runNode([patchbayFile, ...args], options)
}

/** Starts `patchbay` with arguments and talks to its stdin and stdout. */
export function talkToPatchbay(args: readonly string[], options: RunOptions): RawClient {
  const { env, cwd } = options
  const command = { command: process.execPath, args: [patchbayFile, ...args], env }
  return connectProcess(cwd === undefined ? command : { ...command, cwd })
}

/** A folder of its own for one test, with an environment that knows nothing of the user's own folders. */
export class Scratch {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'pb-'))

  get dataDir(): string {
    return path.join(this.folder, 'data')
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.folder }
  }

  /** Writes a file and gives its whole path. */
  write(name: string, text: string): string {
    const file = path.join(this.folder, name)
    writeFileSync(file, text)
    return file
  }

  /** Writes a configuration with these servers and gives its path. */
  writeServers(servers: JsonObject): string {
    return this.write('patchbay.json', JSON.stringify({ version: 1, servers }, null, 2))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
