// Servers behind an address that cannot be reached or do not let Patchbay in: what the client sees, and what is tried again.
import { describe, expect, it } from 'vitest'
import { readCallError } from '../clients/views.ts'
import { startHeadless, type Headless } from '../hosts/headless.ts'
import { startHttpServer, type HttpServer } from '../hosts/http-server.ts'
import type { JsonObject } from '../servers/json-values.ts'

const restart = { delayMs: 20, maxDelayMs: 50, max: 2, jitter: false }

function startApp(url: string, entry: JsonObject = {}): Promise<Headless> {
  return startHeadless({ config: { servers: { web: { url, restart, ...entry } } } })
}

/** What a call to the server is told once its state is as expected. */
async function readReason(app: Headless, state: string): Promise<string> {
  const client = await app.openSocket()
  await client.initialize()
  let message = ''
  await expect
    .poll(
      async () => {
        const error = await readCallError(client, 'web__echo', { text: 'x' })
        message = error.message
        return (error.data as JsonObject)['state']
      },
      { timeout: 20_000, interval: 20 },
    )
    .toBe(state)
  return message
}

async function countOpenings(server: HttpServer): Promise<number> {
  return (await server.readRecord()).filter(({ rpcMethod }) => rpcMethod === 'initialize').length
}

describe('a server that does not want us', () => {
  it.each([
    ['401', /it wants a sign-in or another key \(HTTP 401\)/],
    ['403', /it forbids this \(HTTP 403\)/],
    ['406', /it cannot answer in any form that we take \(HTTP 406\)/],
    ['404', /there is nothing at its address \(HTTP 404\)/],
    ['405', /it takes no such requests at its address \(HTTP 405\)/],
    ['html', /it answered with text\/html in place of JSON .+ is this the address of an MCP server\?/],
    ['redirect-301', /sends us on to .+ put that address into the configuration/],
    ['redirect-loop', /sends us on and on/],
  ])('(%s) is asked a few times and then seldom, and its error says why', async (fault, words) => {
    await using server = await startHttpServer('http-faulty.ts', { faults: [{ on: 'initialize', fault }] })
    await using app = await startApp(server.url)
    expect(await readReason(app, 'back-off')).toMatch(words)
    const most = fault === 'redirect-loop' ? 18 : 3
    await expect.poll(() => countOpenings(server), { timeout: 20_000 }).toBe(most)
  })
})

describe('a server that is away', () => {
  it.each([
    ['500', /something went wrong in it \(HTTP 500\)/],
    ['503', /it cannot take requests now \(HTTP 503\)/],
    ['cut', /the connection was cut/],
  ])('(%s) is tried again for as long as it takes', async (fault, words) => {
    const faults = [{ on: 'initialize', fault, times: 8 }]
    await using server = await startHttpServer('http-faulty.ts', { faults })
    await using app = await startApp(server.url)
    expect(await readReason(app, 'back-off')).toMatch(words)
    const client = await app.openSocket()
    await client.initialize()
    await expect
      .poll(async () => (await client.request('tools/call', { name: 'web__pid' })).error, { timeout: 20_000 })
      .toBeUndefined()
    expect(await countOpenings(server)).toBe(9)
  })

  it('since nothing listens there is named as such, and found once something does', async () => {
    const first = await startHttpServer('http-echo.ts')
    await first.stop()
    await using app = await startApp(first.url)
    expect(await readReason(app, 'back-off')).toMatch(/nothing listens at its address \(ECONNREFUSED\)/)
    await using server = await startHttpServer('http-echo.ts', { port: first.port })
    const client = await app.openSocket()
    await client.initialize()
    await expect
      .poll(async () => (await client.request('tools/call', { name: 'web__pid' })).error, { timeout: 20_000 })
      .toBeUndefined()
    expect(server.url).toBe(first.url)
  })

  it('and asks to be left alone for a while is', async () => {
    const faults = [{ on: 'initialize', fault: '429', times: 1, args: { seconds: 2 } }]
    await using server = await startHttpServer('http-faulty.ts', { faults })
    const start = performance.now()
    await using app = await startApp(server.url)
    await expect.poll(() => countOpenings(server), { timeout: 20_000 }).toBe(2)
    expect(performance.now() - start).toBeGreaterThan(2000)
    expect(app.stderr).toContain('it asks to be left alone for 2 s')
  })

  it('in that it never answers is timed out, and tried again', async () => {
    const faults = [{ on: 'initialize', fault: 'never', times: 1 }]
    await using server = await startHttpServer('http-faulty.ts', { faults })
    await using app = await startApp(server.url, { timeouts: { connectSeconds: 0.5 } })
    await expect.poll(() => countOpenings(server), { timeout: 20_000 }).toBe(2)
    expect(app.stderr).toContain('did not answer the opening “initialize” within 0.5 s')
  })
})
