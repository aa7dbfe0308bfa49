// Clients that come and go by the hundred leave nothing behind: no process, no descriptor, no memory.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, readNames, waitForTool } from '../clients/views.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { tellFigure } from '../hosts/figure.ts'
import { carrier, startHeadless, type Headless } from '../hosts/headless.ts'
import { readDescriptorCount } from '../hosts/process-usage.ts'
import { findDescendants, readMemory } from '../hosts/processes.ts'
import { smallHeap } from '../hosts/small-heap.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'

const megabyte = 1024 * 1024
/** Growth of memory that is no leak, in MiB. */
const most = 8
let app: Headless
let stayer: RawClient

beforeAll(async () => {
  const servers = { shared: toTinyEntry(), own: toTinyEntry({}, { isolation: 'session' }) }
  app = await startHeadless({ config: { servers }, env: smallHeap })
  stayer = await app.openSocket()
  await stayer.initialize()
  for (const name of ['shared', 'own']) await waitForTool(stayer, `${name}__pid`)
  await stayer.callText('own__pid')
})

afterAll(() => app.dispose())

/** One visit: lists, a call of each server, and a call in flight at the end; it hangs up in one of three ways. */
async function visit(client: RawClient, number: number): Promise<void> {
  await client.initialize()
  expect((await readNames(client, 'tools')).length).toBeGreaterThan(4)
  const text = `visit ${number}`
  for (const name of ['shared', 'own']) expect(await client.callText(`${name}__echo`, { text })).toBe(text)
  const params = { name: 'shared__sleep', arguments: { seconds: 0.2, text: 'late' } }
  if (number % 2 === 0)
    client.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: 'open', method: 'tools/call', params }))
  if (number % 3 === 0) client.leave()
  else await client.close()
}

interface Usage {
  readonly children: number[]
  readonly descriptors: number
}

function readUsage(): Usage {
  return { children: findDescendants(app.pid).sort(), descriptors: readDescriptorCount(app.pid) }
}

/** Waits until there is nothing more than before. Less is well: what the shell left open may close later. */
async function expectNoMoreThan(before: Usage): Promise<void> {
  await eventually(() => readUsage().children).toEqual(before.children)
  await eventually(() => readUsage().descriptors).toBeLessThanOrEqual(before.descriptors)
}

async function visitOften(visits: number, atOnce: number, open: () => Promise<RawClient>): Promise<void> {
  let next = 1
  const work = async (): Promise<void> => {
    while (next <= visits) await visit(await open(), next++)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

const ways =
  carrier === 'shim'
    ? [
        { way: 'over the socket', visits: 500, atOnce: 4, open: () => app.openSocket() },
        { way: 'through the shim', visits: 50, atOnce: 2, open: () => Promise.resolve(app.openShim()) },
      ]
    : [{ way: `over ${carrier}`, visits: 300, atOnce: 4, open: () => app.openSocket() }]

it.each(ways)('$visits clients $way', { timeout: 180_000 }, async ({ way, visits, atOnce, open }) => {
  // Right after the start there may be a shell as well, which is asked for its PATH.
  await eventually(() => findDescendants(app.pid)).toHaveLength(2)
  const start = readUsage()
  // The first ones warm the app up: its memory counts from then on.
  await visitOften(visits, atOnce, open)
  await expectNoMoreThan(start)
  // What grows for other reasons than the clients does not do so each time.
  let growth = Infinity
  for (let round = 1; round <= 3 && growth > most; round++) {
    const memory = readMemory(app.pid)
    await visitOften(visits, atOnce, open)
    await expectNoMoreThan(start)
    growth = (readMemory(app.pid) - memory) / megabyte
  }
  tellFigure(`growth of memory after ${visits} clients ${way}`, growth, 'MiB')
  tellFigure(`descriptors before ${visits} clients ${way}`, start.descriptors, 'descriptors')
  tellFigure(`descriptors after ${visits} clients ${way}`, readUsage().descriptors, 'descriptors')
  expect(growth).toBeLessThan(most)
  expect(await stayer.callText('own__echo', { text: 'still here' })).toBe('still here')
})
