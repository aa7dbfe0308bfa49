// A slow reader cannot grow the app's memory.
import { afterEach, describe, expect, it } from 'vitest'
import type { RawClient } from '../clients/raw-client.ts'
import { time, waitForTool } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { readMemory } from '../hosts/processes.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const megabyte = 1024 * 1024
const most = 250 * megabyte

async function start(isolation: string): Promise<Headless> {
  app = await startHeadless({
    config: {
      servers: { echo: toServerEntry('echo.ts', {}, { isolation }), other: toServerEntry('echo.ts') },
    },
  })
  return app
}

async function openClient(host: Headless): Promise<RawClient> {
  const client = host.openShim()
  await client.initialize()
  await waitForTool(client, 'echo__blob')
  await waitForTool(client, 'other__echo')
  return client
}

/** Asks for so many megabytes in calls of 2 MB, and reads no answer. */
function askWithoutReading(client: RawClient, megabytes: number): void {
  client.wire.input.pause()
  for (let id = 1; id <= megabytes / 2; id++) {
    const params = { name: 'echo__blob', arguments: { bytes: 2 * megabyte } }
    client.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: `big ${id}`, method: 'tools/call', params }))
  }
}

/** Makes calls of another client for a while; gives the most memory that the app had, and the slowest call. */
async function watch(host: Headless, client: RawClient, milliseconds: number): Promise<[number, number]> {
  const end = performance.now() + milliseconds
  let memory = 0
  let slowest = 0
  while (performance.now() < end) {
    const { took } = await time(() => client.callText('other__sleep', { ms: 20, value: 'x' }))
    slowest = Math.max(slowest, took)
    memory = Math.max(memory, readMemory(host.pid))
  }
  return [memory, slowest]
}

describe('a client that asks for 400 MB and does not read', () => {
  it.each(['shared', 'session'])(
    "does not grow the app's memory while another's calls go on (isolation: %s)",
    async (isolation) => {
      const host = await start(isolation)
      const [greedy, other] = [await openClient(host), await openClient(host)]
      await watch(host, other, 300)
      const before = readMemory(host.pid)
      askWithoutReading(greedy, 400)
      const [memory, slowest] = await watch(host, other, 4000)
      expect(memory - before).toBeLessThan(most)
      expect(slowest).toBeLessThan(2000)
      // Once it reads, it gets everything.
      greedy.wire.input.resume()
      for (let id = 1; id <= 200; id++) await greedy.waitFor((one) => one.idKey === `text big ${id}`)
      expect(readMemory(host.pid) - before).toBeLessThan(most)
    },
  )

  it('does not keep calls of another client on the same shared server for good', async () => {
    const host = await start('shared')
    const [greedy, other] = [await openClient(host), await openClient(host)]
    askWithoutReading(greedy, 200)
    await watch(host, other, 500)
    expect(await other.callText('echo__echo', { text: 'hello' }, { deadline: 50_000 })).toBe('hello')
  })

  it('is no trouble when it goes', async () => {
    const host = await start('shared')
    const [greedy, other] = [await openClient(host), await openClient(host)]
    askWithoutReading(greedy, 200)
    await watch(host, other, 500)
    greedy.leave()
    expect(await other.callText('echo__echo', { text: 'hello' })).toBe('hello')
  })
})

describe('a server that does not read', () => {
  it("does not grow the app's memory, and other servers go on", async () => {
    // It reads nothing more once it has been told to stop its process.
    const host = await start('shared')
    const [greedy, other] = [await openClient(host), await openClient(host)]
    const pid = Number(await greedy.callText('echo__pid'))
    await watch(host, other, 300)
    const before = readMemory(host.pid)
    process.kill(pid, 'SIGSTOP')
    try {
      const text = 'x'.repeat(2 * megabyte)
      for (let id = 1; id <= 150; id++) {
        const params = { name: 'echo__echo', arguments: { text } }
        greedy.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: `big ${id}`, method: 'tools/call', params }))
      }
      const [memory, slowest] = await watch(host, other, 3000)
      expect(memory - before).toBeLessThan(most)
      expect(slowest).toBeLessThan(2000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    for (let id = 1; id <= 150; id++) await greedy.waitFor((one) => one.idKey === `text big ${id}`)
  })
})
