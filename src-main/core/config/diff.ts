import type { Config, ServerConfig } from './config.ts'
import { isSameValue } from './is-same-value.ts'

/** What is another from one configuration to the next. A server that is switched off counts as not there. */
export interface ConfigDiff {
  /** As they are after, in that order; like all lists here. */
  readonly added: readonly ServerConfig[]
  /** As they were before, in that order. */
  readonly removed: readonly ServerConfig[]
  /** Servers with something that a running process or connection cannot take on: transport or isolation. */
  readonly restarted: readonly ServerConfig[]
  /** Servers with nothing but what a running one takes on: time-outs, restarts, tools and the like. */
  readonly adjusted: readonly ServerConfig[]
  /** Whether the servers stand otherwise than those that stay in their old order and then the added ones. */
  readonly isOrderChanged: boolean
  readonly isGatewayChanged: boolean
  readonly isLogsChanged: boolean
  readonly isLimitsChanged: boolean
}

/** Compares two configurations; neither the order of keys nor who made the values matters. */
export function diffConfigs(before: Config, after: Config): ConfigDiff {
  const [olds, news] = [findEnabled(before), findEnabled(after)]
  const added = news.filter((server) => !hasName(olds, server.name))
  const removed = olds.filter((server) => !hasName(news, server.name))
  const restarted: ServerConfig[] = []
  const adjusted: ServerConfig[] = []
  for (const server of news) {
    const old = olds.find(({ name }) => name === server.name)
    if (old === undefined) continue
    if (isOther(toFixed(old), toFixed(server))) restarted.push(server)
    else if (isOther(old, server)) adjusted.push(server)
  }
  const expected = [...olds.filter((server) => hasName(news, server.name)), ...added]
  return {
    added,
    removed,
    restarted,
    adjusted,
    isOrderChanged: news.some(({ name }, index) => expected[index]?.name !== name),
    isGatewayChanged: isOther(before.gateway, after.gateway),
    isLogsChanged: isOther(before.logs, after.logs),
    isLimitsChanged: isOther(before.limits, after.limits),
  }
}

function findEnabled({ servers }: Config): readonly ServerConfig[] {
  return servers.filter(({ enabled }) => enabled)
}

function hasName(servers: readonly ServerConfig[], wanted: string): boolean {
  return servers.some(({ name }) => name === wanted)
}

function toFixed({ transport, isolation }: ServerConfig): unknown {
  return { transport, isolation }
}

function isOther(left: unknown, right: unknown): boolean {
  return !isSameValue(left, right)
}
