import path from 'node:path'
import type { Config, ServerConfig, StdioTransport } from './config.ts'
import type { ConfigFile } from './schema/config-schema.ts'

type ServerEntry = ConfigFile['servers'][string]
type StdioEntry = Extract<ServerEntry, { type: 'stdio' }>

/**
 * What a configuration file asks for. `names` are its servers in the order of the file, which the keys of an object do
 * not always keep; paths are relative to `folder`, which is absolute.
 */
export function toConfig(file: ConfigFile, names: readonly string[], folder: string): Config {
  const { naming, maxToolNameLength } = file.gateway
  return {
    servers: names.map((name) => toServer(name, file.servers[name], folder)),
    gateway: { naming, maxToolNameLength },
    logs: file.logs,
    limits: { messageBytes: file.limits.messageBytes },
  }
}

function toServer(name: string, entry: ServerEntry | undefined, folder: string): ServerConfig {
  // Others were refused as not built.
  if (entry?.type !== 'stdio') throw new TypeError(`Server ${name} is not one to run`)
  const { enabled, isolation, start, startDelayMs, idleStopSeconds, restart, health, timeouts, tools } = entry
  return {
    name,
    enabled,
    transport: toTransport(entry, folder),
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

function toTransport({ command, args, env, cwd }: StdioEntry, folder: string): StdioTransport {
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
