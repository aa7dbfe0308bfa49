// 500 random pairs of configurations, one after the other in one app.
import { renameSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, time } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { tellFigure } from '../hosts/figure.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { findDescendants } from '../hosts/processes.ts'
import { ConfigChain, type RandomConfig } from '../hosts/random-configs.ts'

const pairs = 500
const seed = Number(process.env['PATCHBAY_SEED'] ?? Date.now() % 1_000_000)

type Pids = ReadonlyMap<string, number>

async function readPids(client: RawClient, config: RandomConfig): Promise<Pids> {
  const read = async (server: string): Promise<[string, number]> => [
    server,
    Number(await client.callText(config.toToolName(server, 'pid'))),
  ]
  return new Map(await Promise.all(config.running.map(read)))
}

/** Writes a configuration now in place, now by a rename, and waits until it is taken on. */
async function change(app: Headless, log: AppLog, config: RandomConfig): Promise<void> {
  const after = log.mark()
  if (Math.random() < 0.5) app.writeConfig(config.config)
  else {
    writeFileSync(`${app.configFile}.new`, JSON.stringify({ version: 1, ...config.config }))
    renameSync(`${app.configFile}.new`, app.configFile)
  }
  await log.waitForReload(after)
}

/** The servers that should have kept their process but did not, or the other way round. */
function findWrong(config: RandomConfig, before: RandomConfig, pids: Pids, old: Pids): string[] {
  return config.running.filter(
    (server) => config.keeps(server, before) !== (old.get(server) === pids.get(server)),
  )
}

it(
  `each starts exactly the changed servers anew, and a session and a call outlast them all (seed ${seed})`,
  { timeout: 180_000 },
  async () => {
    using chain = new ConfigChain(seed, pairs + 1)
    const [first, ...rest] = chain.configs
    await using app = await startHeadless({ config: first!.config })
    const log = new AppLog(app.dataDir)
    const client = await app.openSocket()
    await client.initialize()
    let pids = await readPids(client, first!)
    const held = client.callText(first!.toToolName('steady', 'hold'), {}, { deadline: 180_000 })
    let before = first!
    let kept = 0
    let started = 0
    const { took } = await time(async () => {
      for (const [index, config] of rest.entries()) {
        await change(app, log, config)
        const now = await readPids(client, config)
        const wrong = findWrong(config, before, now, pids)
        const pair = [before, config].map((one) => JSON.stringify(one.config)).join('\n')
        expect(wrong, `pair ${index} of seed ${seed}:\n${pair}`).toEqual([])
        const same = config.running.filter((server) => config.keeps(server, before)).length
        kept += same
        started += config.running.length - same
        before = config
        pids = now
      }
    })
    expect(await client.callText(before.toToolName('steady', 'release'))).toBe('done')
    expect(await held).toBe('released')
    // Nothing of the servers that were replaced or removed is left.
    await eventually(() => findDescendants(app.pid).sort()).toEqual([...pids.values()].sort())
    tellFigure(`${pairs} reloads, ${started} servers started, ${kept} left alone`, took / 1000, 's')
    expect(took).toBeLessThan(120_000)
  },
)
