import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toServerConfig, toWholeConfig } from '../../testing/server-config.ts'
import type { Config, ServerConfig, Transport } from './config.ts'
import { diffConfigs, type ConfigDiff } from './diff.ts'

const runs = { numRuns: 1000 }

const texts = fc.dictionary(fc.constantFrom('A', 'B'), fc.constantFrom('1', '2'), { maxKeys: 2 })

const transport: fc.Arbitrary<Transport> = fc.oneof(
  fc.record({
    type: fc.constant('stdio' as const),
    command: fc.constantFrom('node', 'npx'),
    args: fc.array(fc.constantFrom('-y', 'x'), { maxLength: 2 }),
    env: texts,
  }),
  fc.record({
    type: fc.constantFrom('http' as const, 'sse' as const),
    url: fc.constantFrom('http://h/a', 'http://h/b'),
    headers: texts,
  }),
)

const server = fc
  .record({
    transport,
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    enabled: fc.boolean(),
    isolation: fc.constantFrom('auto' as const, 'shared' as const, 'session' as const),
    start: fc.constantFrom('eager' as const, 'demand' as const),
    startDelayMs: fc.nat(1),
    idleStopSeconds: fc.nat(1),
    tools: fc.record({ disabled: fc.array(fc.constantFrom('t', 'u'), { maxLength: 1 }) }),
  })
  .map(({ transport: how, ...changes }): ServerConfig => toServerConfig(how, changes))

const config: fc.Arbitrary<Config> = fc.record({
  servers: fc.uniqueArray(server, { selector: ({ name }) => name, maxLength: 4 }),
  gateway: fc.record({
    host: fc.constantFrom('127.0.0.1', '::1'),
    port: fc.constantFrom(0, 7411),
    auth: fc.constantFrom('token', 'none'),
    naming: fc.constantFrom('server__tool', 'tool'),
    maxToolNameLength: fc.constantFrom(50, 64),
    allowedHosts: fc.array(fc.constant('h'), { maxLength: 1 }),
    allowedOrigins: fc.array(fc.constant('http://h'), { maxLength: 1 }),
  }),
  logs: fc.record({ maxBytes: fc.constantFrom(1, 2), keepDays: fc.constant(2) }),
  limits: fc.record({ messageBytes: fc.constantFrom(1, 2), bodyBytes: fc.constantFrom(1, 2) }),
})

/** Of which one may well be the other with little changed. */
const pair = fc.oneof(
  fc.tuple(config, config),
  fc
    .tuple(config, config)
    .map(([left, right]): [Config, Config] => [left, { ...left, servers: right.servers }]),
  fc.tuple(config, fc.nat(3), server).map(([before, index, changed]): [Config, Config] => {
    const servers = before.servers.map((one, at) => (at === index ? { ...changed, name: one.name } : one))
    return [before, { ...before, servers }]
  }),
)

const nothing: ConfigDiff = {
  added: [],
  removed: [],
  restarted: [],
  adjusted: [],
  isOrderChanged: false,
  isGatewayChanged: false,
  isLogsChanged: false,
  isLimitsChanged: false,
}

const findEnabled = ({ servers }: Config) => servers.filter(({ enabled }) => enabled)
const toNames = (servers: readonly ServerConfig[]) => servers.map(({ name }) => name)
const byName = (servers: readonly ServerConfig[]) => new Map(servers.map((one) => [one.name, one]))

/** The same with all keys the other way round, and nothing of it shared. */
function turnKeys<T>(value: T): T {
  if (Array.isArray(value)) return value.map(turnKeys) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, turnKeys<unknown>(inner)]),
  ) as T
}

function applyDiff(before: Config, diff: ConfigDiff): ServerConfig[] {
  const gone = new Set(toNames(diff.removed))
  const changed = byName([...diff.restarted, ...diff.adjusted])
  const kept = findEnabled(before).filter(({ name }) => !gone.has(name))
  return [...kept.map((one) => changed.get(one.name) ?? one), ...diff.added]
}

describe('diffConfigs', () => {
  it('finds nothing between a configuration and the same one, however its keys stand', () => {
    fc.assert(
      fc.property(config, (one) => {
        expect(diffConfigs(one, one)).toEqual(nothing)
        expect(diffConfigs(one, turnKeys(one))).toEqual(nothing)
      }),
      runs,
    )
  })

  it('starts anew exactly the servers of which transport or isolation are others', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const olds = byName(findEnabled(before))
        const toPairs = (given: Readonly<Record<string, string>>) => Object.entries(given).sort()
        const toReach = (how: Transport) =>
          how.type === 'stdio'
            ? [how.type, how.command, how.args, toPairs(how.env)]
            : [how.type, how.url, toPairs(how.headers)]
        const toText = (one: ServerConfig) => JSON.stringify([one.isolation, toReach(one.transport)])
        const wanted = findEnabled(after).filter((one) => {
          const old = olds.get(one.name)
          return old !== undefined && toText(old) !== toText(one)
        })
        expect(diffConfigs(before, after).restarted).toEqual(wanted)
      }),
      runs,
    )
  })

  it('leads from the one to the other', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const diff = diffConfigs(before, after)
        const reached = applyDiff(before, diff)
        expect(byName(reached)).toEqual(byName(findEnabled(after)))
        expect(diff.isOrderChanged).toBe(toNames(reached).join() !== toNames(findEnabled(after)).join())
        expect(diff.isGatewayChanged).toBe(JSON.stringify(before.gateway) !== JSON.stringify(after.gateway))
        expect(diff.isLogsChanged).toBe(before.logs.maxBytes !== after.logs.maxBytes)
        expect(diff.isLimitsChanged).toBe(JSON.stringify(before.limits) !== JSON.stringify(after.limits))
      }),
      runs,
    )
  })

  it('adds what the way back removes, and says nothing twice', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const [there, back] = [diffConfigs(before, after), diffConfigs(after, before)]
        expect(there.added).toEqual(back.removed)
        expect(there.removed).toEqual(back.added)
        expect(toNames(there.restarted).sort()).toEqual(toNames(back.restarted).sort())
        expect(toNames(there.adjusted).sort()).toEqual(toNames(back.adjusted).sort())
        const all = toNames([...there.added, ...there.removed, ...there.restarted, ...there.adjusted])
        expect(new Set(all).size).toBe(all.length)
      }),
      runs,
    )
  })

  it.each<Transport>([
    { type: 'stdio', command: 'x', args: [], env: {} },
    { type: 'http', url: 'http://h/', headers: {} },
  ])('takes what a running server of $type can take on for an adjustment', (how) => {
    const one = toServerConfig(how)
    const toConfig = (changes: Partial<Omit<ServerConfig, 'transport'>>): Config =>
      toWholeConfig([{ ...one, ...changes }])
    const before = toConfig({})
    for (const changes of [
      { start: 'demand' },
      { startDelayMs: 5 },
      { idleStopSeconds: 5 },
      { tools: { disabled: ['x'] } },
      { restart: { ...one.restart, max: 1 } },
      { health: { ...one.health, threshold: 2 } },
      { timeouts: { ...one.timeouts, connectSeconds: 1 } },
    ] satisfies Partial<Omit<ServerConfig, 'transport'>>[]) {
      const after = toConfig(changes)
      expect(diffConfigs(before, after)).toEqual({ ...nothing, adjusted: after.servers })
    }
    const off = toConfig({ enabled: false })
    expect(diffConfigs(before, off)).toEqual({ ...nothing, removed: before.servers })
    expect(diffConfigs(off, before)).toEqual({ ...nothing, added: before.servers })
    expect(diffConfigs(off, toConfig({ enabled: false, isolation: 'session' }))).toEqual(nothing)
  })
})
