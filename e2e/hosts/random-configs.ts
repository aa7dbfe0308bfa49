// Configurations at random, each from the one before, and which servers must be started anew between two.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../servers/json-values.ts'
import { toTinyEntry } from './tiny-server.ts'

/** A source of random whole numbers from 0 to below a bound: the same ones for the same seed (mulberry32). */
function createRandom(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** The choice of `enabled` that means no. */
const off = 5

/** How a server differs from others: for each of `traits` the number of a choice. */
type Choices = Readonly<Record<string, number>>

interface Trait {
  readonly choices: number
  /** Whether a process that runs cannot take it on. */
  readonly restarts: boolean
  readonly toKeys: (choice: number, folders: readonly string[]) => JsonObject
}

const traits: Readonly<Record<string, Trait>> = {
  env: { choices: 4, restarts: true, toKeys: (choice) => ({ env: { TINY_NAME: `name-${choice}` } }) },
  args: {
    choices: 2,
    restarts: true,
    toKeys: (choice) => ({ args: [...(toTinyEntry()['args'] as string[]), `--mode=${choice}`] }),
  },
  cwd: { choices: 2, restarts: true, toKeys: (choice, folders) => ({ cwd: folders[choice] }) },
  isolation: {
    choices: 3,
    restarts: true,
    toKeys: (choice) => ({ isolation: ['auto', 'shared', 'session'][choice] }),
  },
  enabled: { choices: 6, restarts: true, toKeys: (choice) => ({ enabled: choice !== off }) },
  disabled: {
    choices: 2,
    restarts: false,
    toKeys: (choice) => ({ tools: { disabled: choice === 0 ? [] : ['echo'] } }),
  },
  timeouts: {
    choices: 2,
    restarts: false,
    toKeys: (choice) => ({ timeouts: { requestSeconds: 600 + choice } }),
  },
  health: { choices: 2, restarts: false, toKeys: (choice) => ({ health: { intervalSeconds: 30 + choice } }) },
  restart: { choices: 2, restarts: false, toKeys: (choice) => ({ restart: { max: 5 + choice } }) },
}

const names = ['a', 'b', 'c', 'd', 'e']
const namings = ['server__tool', 'mcp__proxy__server__tool'] as const

/** One configuration of a chain. Besides its own servers each has `steady`, of which nothing but its time-outs changes. */
export class RandomConfig {
  readonly config: JsonObject
  readonly #servers: ReadonlyMap<string, Choices>
  readonly #naming: (typeof namings)[number]

  constructor(
    servers: ReadonlyMap<string, Choices>,
    naming: (typeof namings)[number],
    { folders, number }: { readonly folders: readonly string[]; readonly number: number },
  ) {
    this.#servers = servers
    this.#naming = naming
    const entries = [...servers].map(([name, choices]) => {
      const keys = Object.entries(traits).map(([trait, { toKeys }]) => toKeys(choices[trait]!, folders))
      return [name, Object.assign({ command: 'sh' }, ...keys) as JsonObject] as const
    })
    // No two in a row are equal, so that the app has something to say about each.
    const steady = toTinyEntry({}, { timeouts: { requestSeconds: 1000 + number } })
    entries.splice(number % (entries.length + 1), 0, ['steady', steady])
    this.config = { servers: Object.fromEntries(entries), gateway: { naming } }
  }

  /** Servers that run. */
  get running(): string[] {
    const own = [...this.#servers].filter(([, choices]) => choices['enabled'] !== off).map(([name]) => name)
    return [...own, 'steady']
  }

  /** What a client calls a tool of a server. */
  toToolName(server: string, tool: string): string {
    return this.#naming === 'server__tool' ? `${server}__${tool}` : `mcp__proxy__${server}__${tool}`
  }

  /** Whether a server that ran with the configuration before keeps its process with this one. */
  keeps(server: string, before: RandomConfig): boolean {
    if (!before.running.includes(server) || !this.running.includes(server)) return false
    if (server === 'steady') return true
    const [now, then] = [this.#servers.get(server)!, before.#servers.get(server)!]
    const isSame = (trait: string): boolean => trait === 'enabled' || now[trait] === then[trait]
    return Object.entries(traits).every(([trait, { restarts }]) => !restarts || isSame(trait))
  }

  /** The next one: mostly a few changes, sometimes another altogether. */
  toNext(
    random: (bound: number) => number,
    place: { readonly folders: readonly string[]; readonly number: number },
  ): RandomConfig {
    const servers = new Map(random(10) === 0 ? [] : this.#servers)
    let naming = this.#naming
    for (let changes = servers.size === 0 ? 8 : 1 + random(3); changes > 0; changes--) {
      const name = names[random(names.length)]!
      const kind = random(10)
      if (kind === 0) naming = namings[random(2)]!
      else if (kind === 1) servers.delete(name)
      else changeServer(servers, name, random)
    }
    return new RandomConfig(random(5) === 0 ? shuffle(servers, random) : servers, naming, place)
  }
}

function changeServer(servers: Map<string, Choices>, name: string, random: (bound: number) => number): void {
  const before = servers.get(name)
  const toChoice = ([trait, { choices }]: [string, Trait]): [string, number] => [trait, random(choices)]
  const chosen = Object.entries(traits).map(toChoice)
  const one = chosen[random(chosen.length)]!
  servers.set(name, before === undefined ? Object.fromEntries(chosen) : { ...before, [one[0]]: one[1] })
}

function shuffle<T>(map: ReadonlyMap<string, T>, random: (bound: number) => number): Map<string, T> {
  const keyed = [...map].map((entry) => [random(1000), entry] as const)
  return new Map(keyed.sort(([left], [right]) => left - right).map(([, entry]) => entry))
}

/** A chain of so many configurations, with the folders that its servers run in. */
export class ConfigChain {
  readonly configs: readonly RandomConfig[]
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pb-chain-'))

  constructor(seed: number, length: number) {
    const random = createRandom(seed)
    const folders = [this.#folder, tmpdir()]
    const configs = [new RandomConfig(new Map(), 'server__tool', { folders, number: 0 })]
    while (configs.length < length)
      configs.push(configs.at(-1)!.toNext(random, { folders, number: configs.length }))
    this.configs = configs
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}
