#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { product } from '#contract/product.ts'
import { logLevels, type LogLevel } from '#core/observe/logger.ts'
import { isServerName } from '#core/observe/log-files/log-names.ts'
import { CommandFailed } from './command-failed.ts'
import type { CheckOptions } from './check.ts'
import type { ImportOptions } from './import.ts'
import type { LogsOptions } from './logs.ts'
import type { ServeOptions } from './serve.ts'
import type { TokenOptions } from './token.ts'
import { untilStopSignal } from './stop-signal.ts'

const wrongUsage = 2

function createProgram(onDone: (code: number) => void): Command {
  const program = new Command(product.id)
  program
    .description('Connects AI editors to MCP servers: one place for every server, one switch for each line.')
    .version(product.version)
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
  const logLevel = new Option('--log-level <level>', 'how much to log on stderr')
    .choices([...logLevels])
    .default('info')
  program
    .command('serve')
    .description('run the core without a desktop until SIGINT or SIGTERM')
    .option('--config <file>', 'configuration (YAML, JSON or TOML) instead of config.json in the data folder')
    .addOption(
      new Option('--config-if-none <file>', 'configuration while the data folder has none').hideHelp(),
    )
    .option('--data-dir <folder>', 'data folder')
    .option('--stdio', 'be the MCP server on stdin and stdout (relays to the running app, if there is one)')
    .option('--no-http', 'no HTTP, only the local socket')
    .option('--host <host>', 'address for HTTP, in place of gateway.host', parseHost)
    .option('--port <port>', 'port for HTTP, in place of gateway.port; 0 takes a free one', parsePort)
    .addOption(
      new Option('--auth <how>', 'what clients have to show over HTTP, in place of gateway.auth').choices([
        'token',
        'none',
      ]),
    )
    .addOption(
      new Option('--secrets <where>', 'where secrets are kept (not built yet)').choices(['os', 'memory']),
    )
    .addOption(logLevel)
    .action(async (options: ServeOptions & { logLevel: LogLevel }) => {
      const signal = untilStopSignal()
      const { serve } = await import('./serve.ts')
      onDone(await serve(options, signal))
    })
  program
    .command('check')
    .description('validate the configuration; exit code 0 only if all is well')
    .option('--config <file>', 'configuration (YAML, JSON or TOML) instead of config.json in the data folder')
    .option('--data-dir <folder>', 'data folder')
    .option('--ping', 'reach every server too, through the running app if there is one')
    .option('--json', 'tell it as JSON')
    .action(async (options: CheckOptions) => {
      const { check } = await import('./check.ts')
      onDone(await check(options))
    })
  program
    .command('connect')
    .description('join stdin and stdout to the running app: what editors start (the shim)')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => undefined)
  addLogs(program, onDone)
  addImport(program, onDone)
  addToken(program, onDone)
  return program
}

function addImport(program: Command, onDone: (code: number) => void): void {
  program
    .command('import')
    .description('take servers from the configuration of an editor or another proxy into config.json')
    .argument('<file>', 'JSON, YAML or TOML of any known shape; - for stdin')
    .option('--dry-run', 'tell what would be added, and write nothing')
    .option('--data-dir <folder>', 'data folder')
    .action(async (file: string, options: ImportOptions) => {
      const { importServers } = await import('./import.ts')
      onDone(await importServers(file, options))
    })
}

function addLogs(program: Command, onDone: (code: number) => void): void {
  program
    .command('logs')
    .description('print what a server wrote to its stdout and stderr')
    .argument('<server>', 'name of the server', (text) => {
      if (isServerName(text)) return text
      throw new InvalidArgumentError('Names of servers have letters, digits and hyphens, at most 31.')
    })
    .option('--lines <number>', 'how many of the last lines', parseCount, 100)
    .option('--follow', 'print what comes as well, until SIGINT or SIGTERM')
    .addOption(new Option('--stream <stream>', 'only what it wrote there').choices(['stdout', 'stderr']))
    .option('--data-dir <folder>', 'data folder')
    .action(async (server: string, options: LogsOptions) => {
      const { logs } = await import('./logs.ts')
      onDone(await logs(server, options))
    })
}

function addToken(program: Command, onDone: (code: number) => void): void {
  program
    .command('token')
    .description('tell where clients reach Patchbay over HTTP, and where the access token is that they show')
    .option('--renew', 'make another one: whoever has the old one is let in no more')
    .option('--show', 'print the token itself, which is a secret: only where nobody else sees the screen')
    .option('--data-dir <folder>', 'data folder')
    .action(async (options: TokenOptions) => {
      const { token } = await import('./token.ts')
      onDone(await token(options))
    })
}

function parseHost(text: string): string {
  if (/^[\w.:[\]-]+$/.test(text)) return text
  throw new InvalidArgumentError('It must be an IP address or a name, without scheme and port.')
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw new InvalidArgumentError('It must be a port, 0 to 65535.')
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number, 0 or more.')
}

async function main(args: readonly string[]): Promise<number> {
  // The shim reads its own options, so that both ways of starting it are one.
  if (args[0] === 'connect') {
    const { runShim } = await import('../../src-shim/run.ts')
    return runShim(args.slice(1))
  }
  let code = 0
  try {
    const program = createProgram((outcome) => {
      code = outcome
    })
    if (args.length === 0) {
      program.outputHelp({ error: true })
      return wrongUsage
    }
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage
    if (!(error instanceof CommandFailed)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
  return code
}

process.exitCode = await main(process.argv.slice(2))
// Whatever is still open, the command is over: what was written goes out, then the process ends.
process.stdout.write('', () => process.exit())
