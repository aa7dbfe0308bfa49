import { readAccessToken, renewAccessToken, toTokenFile } from '#core/gateway/access-token.ts'
import { StartLockHeld } from '#core/gateway/start-lock.ts'
import { CommandFailed } from './command-failed.ts'
import { findDataFolder, openHeadlessHost } from './headless-host.ts'
import { findRunningApp } from './running-app.ts'

/** Options of `patchbay token`. */
export interface TokenOptions {
  readonly renew?: boolean
  readonly show?: boolean
  readonly dataDir?: string
}

/**
 * Tells where the access token is and how to use it. The token itself is printed only when asked for: screens are shared
 * and recorded. Gives the exit code.
 */
export async function token(options: TokenOptions): Promise<number> {
  const dataFolder = findDataFolder(options.dataDir)
  // Also before the first start: an editor can be given the token in advance.
  await openHeadlessHost(dataFolder)
  // Asked before the token is another: the app takes a moment to notice.
  const app = await findRunningApp(dataFolder)
  const value = await read(dataFolder, options.renew === true)
  // Alone, so that it can be put into a command.
  if (options.show === true) {
    process.stdout.write(`${value}\n`)
    return 0
  }
  const lines = [
    `Address: ${app === undefined ? 'none, Patchbay is not running' : toAddress(app.url)}`,
    `Token: in ${toTokenFile(dataFolder)}; --show prints it.`,
    'Clients show it with every request. In the configuration of an editor that speaks HTTP, for example:',
    toExample(app?.url ?? 'http://127.0.0.1:7411'),
  ]
  if (options.renew === true) {
    lines.unshift(
      'There is another access token now: give it to every client that reaches Patchbay over HTTP.',
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}

async function read(dataFolder: string, isRenewed: boolean): Promise<string> {
  try {
    return await (isRenewed ? renewAccessToken(dataFolder) : readAccessToken(dataFolder))
  } catch (error) {
    if (error instanceof StartLockHeld) throw new CommandFailed(error.message)
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CommandFailed(`The access token cannot be used (${code}): ${toTokenFile(dataFolder)}.`)
  }
}

function toExample(url: string): string {
  const headers = { Authorization: 'Bearer TOKEN' }
  return JSON.stringify({ mcpServers: { patchbay: { url: `${url}/mcp`, headers } } }, null, 2)
}

function toAddress(url: string | null): string {
  return url === null ? 'none, Patchbay runs without HTTP' : `${url}/mcp`
}
