import path from 'node:path'
import type { Config, ServerConfig, StdioTransport, Transport } from './config.ts'
import { withoutBrackets } from './loopback.ts'
import type { ConfigFile } from './schema/config-schema.ts'

type ServerEntry = ConfigFile['servers'][string]
type StdioEntry = Extract<ServerEntry, { type: 'stdio' }>

/**
 * What a configuration file asks for. `names` are its servers in the order of the file, which the keys of an object do
 * not always keep; paths are relative to `folder`, which is absolute.
 */
export function toConfig(file: ConfigFile, names: readonly string[], folder: string): Config {
  const { gateway, logs, limits } = file
  return {
    servers: names.map((name) => toServer(name, file.servers[name], folder)),
    gateway: { ...gateway, host: withoutBrackets(gateway.host) },
    logs,
    limits,
  }
}

function toServer(name: string, entry: ServerEntry | undefined, folder: string): ServerConfig {
  const transport = entry === undefined ? undefined : toTransport(entry, folder)
  // Others were refused as not built.
  if (entry === undefined || transport === undefined) throw new TypeError(`Server ${name} is not one to run`)
  const { enabled, isolation, start, startDelayMs, idleStopSeconds, restart, health, timeouts, tools } = entry
  return {
    name,
    enabled,
    transport,
    isolation,
    start,
    startDelayMs,
    idleStopSeconds,
    restart,
    health,
    timeouts,
    tools: { disabled: tools.disabled },
  }
}

function toTransport(entry: ServerEntry, folder: string): Transport | undefined {
  if (entry.type === 'stdio') return toStdioTransport(entry, folder)
  if (entry.type !== 'http' && entry.type !== 'sse') return undefined
  const { type, url, headers = {} } = entry
  return url === undefined ? undefined : { type, url, headers }
}

function toStdioTransport({ command, args, env, cwd }: StdioEntry, folder: string): StdioTransport {
  const home = cwd === undefined ? folder : path.resolve(folder, cwd)
  return {
    type: 'stdio',
    command: isPath(command) ? path.resolve(home, command) : command,
    args,
    env,
    ...(cwd === undefined ? {} : { cwd: home }),
  }
}

/** A bare name is looked up in PATH when the server starts; so is what cannot be meant as a path, which is told then. */
function isPath(command: string): boolean {
  const [start = ''] = command.split(path.sep === '\\' ? /[\\/]/ : '/')
  return start !== command && !/\s|^~/.test(start)
}
