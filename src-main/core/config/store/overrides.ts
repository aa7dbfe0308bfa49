import type { Config, ServerConfig } from '../config.ts'
import { isSameValue } from '../is-same-value.ts'
import type { ConfigFile } from '../schema/config-schema.ts'

/** What is switched for one server; what is undefined stays as the configuration has it. */
interface ServerOverride {
  readonly enabled: boolean | undefined
  /** In place of all of `tools.disabled`. */
  readonly disabledTools: readonly string[] | undefined
}

/** Switches that hold in place of what the configuration says, by the name of the server. */
export type Overrides = ReadonlyMap<string, ServerOverride>

/** No switches. */
export const noOverrides: Overrides = new Map()

/** A value that is not the one of the configuration file, since an override stands on top of it. */
export interface OverrideChange {
  readonly server: string
  readonly key: 'enabled' | 'tools.disabled'
  readonly value: boolean | readonly string[]
  /** What the configuration file says. */
  readonly instead: boolean | readonly string[]
}

/** The overrides that a configuration file holds. */
export function toOverrides({ overrides }: Pick<ConfigFile, 'overrides'>): Overrides {
  return new Map(
    Object.entries(overrides.servers).map(([name, { enabled, tools }]) => [
      name,
      { enabled, disabledTools: tools?.disabled },
    ]),
  )
}

/** Puts overrides on top of a configuration. Those of servers that are not there have no effect. */
export function applyOverrides(
  config: Config,
  overrides: Overrides,
): { readonly config: Config; readonly changes: readonly OverrideChange[] } {
  const changes: OverrideChange[] = []
  const servers = config.servers.map((server): ServerConfig => {
    const { enabled = server.enabled, disabledTools = server.tools.disabled } =
      overrides.get(server.name) ?? {}
    if (enabled !== server.enabled) {
      changes.push({ server: server.name, key: 'enabled', value: enabled, instead: server.enabled })
    }
    const { disabled } = server.tools
    if (!isSameValue(disabledTools, disabled)) {
      changes.push({ server: server.name, key: 'tools.disabled', value: disabledTools, instead: disabled })
    }
    return { ...server, enabled, tools: { ...server.tools, disabled: disabledTools } }
  })
  return { config: { ...config, servers }, changes }
}
