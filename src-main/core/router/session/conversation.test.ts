import { describe, expect, it } from 'vitest'
import type { ClientLink } from '../router.ts'
import { MemoryClient } from '../../../testing/memory-client.ts'
import { openBench, openPair } from '../../../testing/router-bench.ts'
import { toTool } from '../../../testing/scripted-server.ts'
import { toLine } from '../../../testing/wire-message.ts'

describe('before initialize', () => {
  it('only ping is answered; the rest is refused, and nothing reaches a server', async () => {
    const { bench, life } = await openPair()
    const client = bench.connect()
    expect((await client.request('ping')).result).toEqual({})
    expect((await client.request('tools/list')).error?.code).toBe(-32600)
    const { error } = await client.call('s__echo')
    expect(error?.code).toBe(-32600)
    expect(error?.message).toContain('tools/call came before initialize')
    await life.ask('"barrier"', 'ping')
    expect(life.count('tools/call')).toBe(0)
  })

  it('server/discover is a method that is not known, so that clients of both eras go on with initialize', async () => {
    const { bench } = await openPair()
    const client = bench.connect()
    expect((await client.request('server/discover')).error?.code).toBe(-32601)
    expect((await client.open()).result).toBeDefined()
  })

  it('notifications are dropped', async () => {
    const bench = await openBench({ servers: { s: { script: { tools: [toTool('echo')] } } } })
    await bench.start()
    const life = await bench.server('s').nextLife()
    const client = bench.connect('s')
    client.notify('notifications/vendor')
    await client.open()
    await life.ask('"barrier"', 'ping')
    expect(life.count('notifications/vendor')).toBe(0)
  })
})

describe('initialize', () => {
  it('of the whole tells what Patchbay is and can do', async () => {
    const { bench } = await openPair()
    const { result } = await bench.connect().open()
    expect(result).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
      serverInfo: { name: 'patchbay', title: 'Patchbay' },
    })
    expect(result).not.toHaveProperty('instructions')
  })

  it('of the whole joins the instructions of the servers, each under its name', async () => {
    const servers = {
      a: { script: { instructions: ' Do this. ' } },
      b: { script: { instructions: ' ' } },
      c: { script: { instructions: 'Do that.' } },
      d: {},
    }
    const bench = await (await openBench({ servers })).start()
    const { result } = await bench.connect().open()
    expect(result?.['instructions']).toBe('# a\nDo this.\n\n# c\nDo that.')
  })

  it('comes once', async () => {
    const { client } = await openPair()
    expect((await client.open()).error).toMatchObject({ code: -32600 })
    expect((await client.request('ping')).result).toEqual({})
  })

  it('without params opens the session too', async () => {
    const { bench } = await openPair()
    const client = bench.connect()
    expect((await client.request('initialize')).result?.['protocolVersion']).toBe('2025-11-25')
  })

  it('with broken params is refused and may be tried again', async () => {
    const { bench } = await openPair()
    const client = bench.connect()
    expect((await bench.connect().request('initialize', '{"capabilities" {}}')).error?.code).toBe(-32700)
    client.write(toLine('initialize', '{"clientInfo":{"name" 1}}', '"i"'))
    expect((await client.answerTo('i')).error?.code).toBe(-32700)
    expect((await client.open()).result).toBeDefined()
  })
})

describe('a conversation', () => {
  it('tells who speaks, and in which revision, once that is known', async () => {
    const { bench } = await openPair()
    const links: ClientLink[] = []
    const client = new MemoryClient('pipe', (port) => {
      const link = bench.router.connect({ name: 'pipe', server: undefined, port })
      links.push(link)
      return link
    })
    expect([links[0]?.name, links[0]?.revision]).toEqual(['pipe', undefined])
    await client.open('{}', '2025-06-18')
    expect([links[0]?.name, links[0]?.revision]).toEqual(['tester', '2025-06-18'])
    client.close()
    expect(links[0]?.revision).toBeUndefined()
  })
})

describe('a line that is no message', () => {
  it.each([
    ['{"jsonrpc":"2.0",', -32700, null],
    ['nonsense', -32700, null],
    ['{"jsonrpc":"2.0","id":"\\q","method":"ping"}', -32700, null],
    ['{"jsonrpc":"2.0"}', -32600, null],
    ['[]', -32600, null],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, null],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name" 1}}', -32700, 5],
    ['{"jsonrpc":"2.0","id":5,"method":"resources/read","params":{"uri":"\\x"}}', -32700, 5],
  ])('is answered with an error, and the session goes on: %s', async (line, code, id) => {
    const { client } = await openPair()
    client.write(line)
    expect((await client.answerTo(id)).error?.code).toBe(code)
    expect((await client.request('ping')).result).toEqual({})
  })

  it('is answered under no id when it is a notification', async () => {
    const { client } = await openPair()
    client.notify('notifications/cancelled', '{"requestId" 1}')
    client.notify('notifications/progress', '{"progressToken" 1}')
    for (let times = 0; times < 2; times++) expect((await client.answerTo(null)).error?.code).toBe(-32700)
    expect((await client.request('ping')).result).toEqual({})
  })
})
