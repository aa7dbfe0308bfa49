import { describe, expect, it } from 'vitest'
import { openBench, openPair, passThrough } from '../../../testing/router-bench.ts'
import { toTool } from '../../../testing/scripted-server.ts'
import { toLine } from '../../../testing/wire-message.ts'

const byHand = { tools: [toTool('echo')], isOpenedByHand: true }
const never = { enabled: false, max: 5, windowSeconds: 300, delayMs: 1, maxDelayMs: 1, jitter: false }

/** A pair whose server was lost and is starting again: it has not answered `initialize` yet. */
async function openRestarting() {
  const pair = await openPair()
  const { bench } = pair
  bench.server('s').script = byHand
  await pair.life.exit()
  const life = await bench.server('s').nextLife()
  return { ...pair, life, initialize: await life.next('initialize') }
}

describe('a call to a server that is starting', () => {
  it('waits, and is sent when the server is ready', async () => {
    const { life, client, initialize } = await openRestarting()
    const answer = client.call('s__echo')
    expect(life.count('tools/call')).toBe(0)
    life.open(initialize)
    life.reply(await life.next('tools/call'), '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('waits too when its tools are not known yet', async () => {
    const bench = await openBench({ servers: { s: { script: byHand } } })
    bench.router.start()
    const life = await bench.server('s').nextLife()
    const client = await bench.open()
    const answers = [client.call('s__echo'), client.call('s__other')]
    life.open(await life.next('initialize'))
    life.reply(await life.next('tools/call'), '{"ok":1}')
    expect((await answers[0])?.result).toEqual({ ok: 1 })
    expect((await answers[1])?.error).toMatchObject({ code: -32602, data: { code: 'unknown-tool' } })
  })

  it('and is cancelled before it was sent never reaches it', async () => {
    const { life, client, initialize } = await openRestarting()
    client.write(toLine('tools/call', '{"name":"s__echo"}', '"c"'))
    client.notify('notifications/cancelled', '{"requestId":"c"}')
    life.open(initialize)
    await passThrough({ client, life })
    expect([life.count('tools/call'), life.count('notifications/cancelled')]).toEqual([1, 0])
    expect(client.lines.filter((line) => line.includes('"c"'))).toEqual([])
  })

  it('and is cancelled before its tools were known never reaches it', async () => {
    const bench = await openBench({ servers: { s: { script: byHand } } })
    bench.router.start()
    const life = await bench.server('s').nextLife()
    const client = await bench.open()
    client.write(toLine('tools/call', '{"name":"s__echo"}', '"c"'))
    client.notify('notifications/cancelled', '{"requestId":"c"}')
    life.open(await life.next('initialize'))
    await passThrough({ client, life })
    expect(life.count('tools/call')).toBe(1)
  })

  it('fails as soon as the server does, naming it', async () => {
    const bench = await openBench({ servers: { s: { script: byHand } } })
    bench.router.start()
    const life = await bench.server('s').nextLife()
    const client = await bench.open()
    const answer = client.call('s__echo')
    await life.next('initialize')
    await life.exit()
    expect((await answer).error).toMatchObject({
      code: -32000,
      message: expect.stringMatching(/“s” is not running \(back-off\): it exited with code 3/) as string,
      data: { code: 'server-unavailable', server: 's', state: 'back-off' },
    })
  })

  it('waits no longer than the connect time-out', async () => {
    const timeouts = { connectSeconds: 0.3, requestSeconds: 10, resetOnProgress: true }
    const bench = await openBench({
      servers: { s: { script: byHand, config: { timeouts, restart: never } } },
    })
    bench.router.start()
    const client = await bench.open()
    const { error } = await client.call('s__echo')
    expect(error?.message).toContain('it did not answer the opening “initialize” within 0.3 s')
    expect(error?.data).toMatchObject({ server: 's', state: 'stopped' })
  })

  it('with broken JSON inside _meta is refused when it would be sent, and nothing else happens', async () => {
    const { life, client, initialize } = await openRestarting()
    client.write(toLine('tools/call', '{"name":"s__echo","_meta":{"progressToken":1 2}}', '"b"'))
    life.open(initialize)
    expect((await client.answerTo('b')).error?.code).toBe(-32700)
    await passThrough({ client, life })
  })

  it('is forgotten when its client is gone', async () => {
    const { bench, life, client, initialize } = await openRestarting()
    void client.call('s__echo')
    client.close()
    life.open(initialize)
    await passThrough({ client: await bench.open(), life })
    expect(life.count('tools/call')).toBe(1)
  })
})

describe('a call fails at once, and the error names server and state, when the server', () => {
  it('is in back-off', async () => {
    const restart = { ...never, enabled: true, delayMs: 60_000, maxDelayMs: 60_000 }
    const { bench, life, client } = await openPair({ config: { restart } })
    await life.exit()
    await bench.until('s', 'back-off')
    const { error } = await client.call('s__echo')
    expect(error).toMatchObject({ code: -32000, data: { server: 's', state: 'back-off' } })
    expect(error?.message).toContain('“s” is not running (back-off)')
  })

  it.each(['server__tool', 'mcp__proxy__server__tool', 'tool'] as const)(
    'is in a crash loop, with names as %s',
    async (naming) => {
      const restart = { ...never, enabled: true, max: 0 }
      const { bench, life, client } = await openPair({ config: { restart } }, '{}', { naming })
      await life.exit()
      await bench.until('s', 'crash-loop')
      const name = { server__tool: 's__echo', mcp__proxy__server__tool: 'mcp__proxy__s__echo', tool: 'echo' }[
        naming
      ]
      const { error } = await client.call(name)
      expect(error).toMatchObject({ code: -32000, data: { server: 's', state: 'crash-loop' } })
      expect(error?.message).toContain('“s” keeps failing (crash-loop)')
    },
  )

  it('is in a crash loop and the call is for a resource of its', async () => {
    const restart = { ...never, enabled: true, max: 0 }
    const script = { resources: ['{"uri":"x://1","name":"1"}'] }
    const servers = { s: { script, config: { restart } }, t: { script: { resources: [] } } }
    const bench = await (await openBench({ servers })).start()
    const client = await bench.open()
    await (await bench.server('s').nextLife()).exit()
    await bench.until('s', 'crash-loop')
    const { error } = await client.request('resources/read', '{"uri":"x://1"}')
    expect(error?.data).toMatchObject({ server: 's', state: 'crash-loop' })
  })

  it('is not started again', async () => {
    const { bench, life, client } = await openPair({ config: { restart: never } })
    await life.exit()
    await bench.until('s', 'stopped')
    const { error } = await client.call('s__echo')
    expect(error?.message).toMatch(
      /^The server “s” is stopped: it exited with code 3\. Its restart is switched off;/,
    )
    expect(bench.server('s').untaken).toBe(0)
  })

  it('is switched off', async () => {
    const bench = await openBench({ servers: { off: { config: { enabled: false } } } })
    const client = await bench.open()
    const { error } = await client.call('off__echo')
    expect(error).toMatchObject({ code: -32000, data: { server: 'off', state: 'off' } })
    expect(error?.message).toBe('The server “off” is switched off in Patchbay.')
  })

  it('is not there at all: then the tool is unknown', async () => {
    const { client } = await openPair()
    const { error } = await client.call('nobody__echo')
    expect(error).toMatchObject({ code: -32602, data: { code: 'unknown-tool' } })
    expect(error?.message).toContain('“nobody__echo”')
  })
})
