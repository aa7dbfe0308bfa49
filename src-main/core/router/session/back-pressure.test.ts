import { describe, expect, it } from 'vitest'
import { openPair, passThrough, waitUntil, type BenchPair } from '../../../testing/router-bench.ts'
import { toLine } from '../../../testing/wire-message.ts'

const megabyte = 2 ** 20
const big = `{"name":"s__echo","arguments":{"text":"${'x'.repeat(4 * megabyte)}"}}`

/** Sends calls until the server, which does not read, counts as slow. */
async function flood({ client, life }: BenchPair): Promise<number> {
  life.pause()
  let count = 0
  while (client.holds === 0) {
    if (count++ > 20) throw new Error('The client was never held.')
    client.write(toLine('tools/call', big, String(1000 + count)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return count
}

describe('a client that does not keep up', () => {
  it('is why its server is not read from, until it keeps up again', async () => {
    const { life, client } = await openPair()
    void client.request('tools/call', '{"name":"s__echo","_meta":{"progressToken":1}}')
    const call = await life.next('tools/call')
    client.isCongested = true
    const told = `{"progressToken":${Number(call.id)},"progress":1}`
    life.notify('notifications/progress', told)
    await client.next('notifications/progress')
    // More than fits into the pipes between.
    const size = 8 * megabyte
    life.reply(call, `{"text":"${'x'.repeat(size)}"}`)
    const barrier = life.ask('"barrier"', 'ping')
    let isThrough = false
    void barrier.then(() => (isThrough = true))
    expect((await client.request('ping')).result).toEqual({})
    expect(isThrough).toBe(false)
    client.drain()
    await barrier
    expect(client.lines.some((line) => line.length > size)).toBe(true)
  })

  it('and leaves holds its server no longer', async () => {
    const { bench, life, client } = await openPair()
    void client.request('tools/call', '{"name":"s__echo","_meta":{"progressToken":1}}')
    const call = await life.next('tools/call')
    client.isCongested = true
    life.notify('notifications/progress', `{"progressToken":${Number(call.id)},"progress":1}`)
    await client.next('notifications/progress')
    client.close()
    await passThrough({ client: await bench.open(), life })
  })

  it('holds it once, however much comes', async () => {
    const { life, client } = await openPair()
    void client.request('tools/call', '{"name":"s__echo","_meta":{"progressToken":1}}')
    const call = await life.next('tools/call')
    client.isCongested = true
    const progress = toLine('notifications/progress', `{"progressToken":${Number(call.id)},"progress":1}`)
    // In one piece, so that all three are there when the first one holds the server.
    life.write([progress, progress, progress].join('\n'))
    for (let times = 0; times < 3; times++) await client.next('notifications/progress')
    client.drain()
    await passThrough({ client, life })
  })
})

describe('a server that does not read', () => {
  it('is why its client is not read from, until it reads again', async () => {
    const pair = await openPair()
    const { life, client } = pair
    const count = await flood(pair)
    expect(client.holds).toBe(1)
    life.resume()
    for (let index = 0; index < count; index++) life.reply(await life.next('tools/call'))
    await waitUntil('the client is read from again', () => client.holds === 0)
    await passThrough(pair)
  })

  it('and is lost holds its client no longer', async () => {
    const pair = await openPair()
    const { life, client } = pair
    await flood(pair)
    const lost = client.answerTo(1001)
    life.resume()
    await life.exit()
    expect((await lost).error?.data).toMatchObject({ code: 'server-lost' })
    expect(client.holds).toBe(0)
  })
})
