import type { z } from 'zod'
import type { ConfigFile } from './schema/config-schema.ts'
import type { healthSchema, restartSchema, timeoutsSchema } from './schema/server-schema.ts'

/** A program that speaks MCP over its stdin and stdout. `command` is absolute or a name to look up in PATH. */
export interface StdioTransport {
  readonly type: 'stdio'
  readonly command: string
  readonly args: readonly string[]
  /** On top of what Patchbay itself has. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly cwd?: string
}

/** A server behind an address: Streamable HTTP, with the older HTTP+SSE to fall back to, or that alone. */
export interface HttpTransport {
  readonly type: 'http' | 'sse'
  /** Absolute, of `http:` or `https:`. */
  readonly url: string
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>
}

/** How a server is reached. */
export type Transport = StdioTransport | HttpTransport

/** When a server that ended by itself is started again. */
type RestartSettings = Readonly<z.output<typeof restartSchema>>

/** How long to wait for a server. */
type TimeoutSettings = Readonly<z.output<typeof timeoutsSchema>>

/** How and when a server is asked whether it lives. */
export type HealthSettings = Readonly<z.output<typeof healthSchema>>

/** Where clients reach Patchbay over HTTP, what they have to show, and how they see what the servers offer. */
export type GatewaySettings = Readonly<ConfigFile['gateway']>

/** One server as the user configured it. */
export interface ServerConfig {
  readonly name: string
  readonly enabled: boolean
  readonly transport: Transport
  readonly isolation: 'auto' | 'shared' | 'session'
  readonly start: 'eager' | 'demand'
  readonly startDelayMs: number
  /** 0 is never. */
  readonly idleStopSeconds: number
  readonly restart: RestartSettings
  readonly health: HealthSettings
  readonly timeouts: TimeoutSettings
  /** `disabled`: tools that are switched off, by the server's own names. */
  readonly tools: { readonly disabled: readonly string[] }
}

/** A configuration that holds: tokens replaced, defaults filled in, paths absolute. */
export interface Config {
  /** In the order of the file. */
  readonly servers: readonly ServerConfig[]
  readonly gateway: GatewaySettings
  readonly logs: Readonly<ConfigFile['logs']>
  /** Both in bytes. */
  readonly limits: Readonly<ConfigFile['limits']>
}
