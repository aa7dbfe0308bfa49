import { describe, expect, it } from 'vitest'
import { idKey } from '#base/json-head.ts'
import type { MemoryClient } from '../../../testing/memory-client.ts'
import { openBench, waitUntil, type RouterBench } from '../../../testing/router-bench.ts'
import { openHttpBench, type BenchRequest, type HttpBench } from '../../../testing/upstream-http-bench.ts'

interface HttpServerBench {
  readonly bench: RouterBench
  /** The server `s`, whose tool `echo` is answered by hand. */
  readonly http: HttpBench
  readonly client: MemoryClient
}

const able = '{"roots":{},"sampling":{},"elicitation":{}}'

async function open(): Promise<HttpServerBench> {
  const http = await openHttpBench()
  let sessions = 0
  http.rule = (request) => {
    const { method = request.method } = request.message
    if (method === 'initialize') {
      sessions += 1
      const capabilities = { tools: {}, logging: {} }
      const serverInfo = { name: 'x', version: '1' }
      const headers = { 'mcp-session-id': `session-${sessions}` }
      request.result({ protocolVersion: '2025-11-25', capabilities, serverInfo }, headers)
    } else if (method === 'tools/list') {
      request.result({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] })
    } else if (method === 'GET') request.answer(405)
    else if (method === 'DELETE') request.answer(204)
    else if (method === 'logging/setLevel') request.result()
    else if (method === 'POST' || method.startsWith('notifications/')) request.answer(202)
    else return false
    return true
  }
  const transport = { type: 'http', url: http.url, headers: {} } as const
  const bench = await openBench({ servers: { s: { config: { transport } } } })
  await bench.start()
  return { bench, http, client: await bench.open(able) }
}

function key(id: number): string {
  const bytes = Buffer.from(String(id))
  return idKey(bytes, { start: 0, end: bytes.length })
}

/** The id of the request that a client sent last: they are numbers from 1 on, the first for the opening. */
const firstCall = 2

describe('a question on the stream of a call', () => {
  it('goes to the client of that call, as part of that call, though others have calls in flight', async () => {
    const { bench, http, client } = await open()
    const other = await bench.open(able)
    const [first, second] = [client.call('s__echo', '{"n":1}'), other.call('s__echo', '{"n":2}')]
    const streams = [await http.nextPost('tools/call'), await http.nextPost('tools/call')]
    for (const [index, stream] of streams.entries()) {
      stream.stream().event({ id: `q${index}`, method: 'sampling/createMessage', params: {} })
    }
    for (const one of [client, other]) {
      const question = await one.next('sampling/createMessage')
      expect(one.callsOfSent).toEqual([key(firstCall)])
      one.reply(question, '{"by":"client"}')
    }
    const isReply = ({ body }: BenchRequest): boolean => body.includes('{"by":"client"}')
    await waitUntil('both are answered', () => http.requests.filter(isReply).length === 2)
    for (const stream of streams) {
      stream.event({ id: stream.message.id, result: stream.message.params })
      stream.end()
    }
    expect((await first).result).toMatchObject({ arguments: { n: 1 } })
    expect((await second).result).toMatchObject({ arguments: { n: 2 } })
    expect(bench.pool('s').upstreams).toHaveLength(1)
  })

  it('that is one of our own goes to the only client that there is', async () => {
    const { http, bench, client } = await open()
    const [connection] = bench.pool('s').upstreams.map((upstream) => upstream.connection)
    const ours = connection?.request('vendor/ours', {}, 10_000)
    const stream = (await http.nextPost('vendor/ours')).stream()
    stream.event({ id: 'q', method: 'roots/list' })
    client.reply(await client.next('roots/list'), '{"roots":[]}')
    await waitUntil('it is answered', () => http.requests.some(({ body }) => body.includes('{"roots":[]}')))
    stream.event({ id: stream.message.id, result: {} })
    stream.end()
    await ours
  })

  it('of a client that is gone is refused, and goes to no other', async () => {
    const { bench, http, client } = await open()
    const other = await bench.open(able)
    void client.call('s__echo')
    const stream = (await http.nextPost('tools/call')).stream()
    client.close()
    stream.event({ id: 'q', method: 'sampling/createMessage', params: {} })
    await waitUntil('it is answered', () => http.requests.some(({ body }) => body.includes('"id":"q"')))
    expect(http.requests.find(({ body }) => body.includes('"id":"q"'))?.body).toContain('client-gone')
    expect(other.methods).toEqual([])
  })
})

describe('a log message on the stream of a call', () => {
  it('goes to the client of that call alone, as part of it', async () => {
    const { bench, http, client } = await open()
    const other = await bench.open(able)
    for (const one of [client, other]) await one.request('logging/setLevel', '{"level":"debug"}')
    const calls = [client.call('s__echo'), other.call('s__echo')]
    const streams = [await http.nextPost('tools/call'), await http.nextPost('tools/call')]
    streams[0]?.stream().event({ method: 'notifications/message', params: { level: 'info', data: 'x' } })
    await client.next('notifications/message')
    expect(client.callsOfSent).toEqual([key(firstCall + 1)])
    streams[0]?.event({ id: streams[0].message.id, result: {} })
    streams[1]?.result()
    await Promise.all(calls)
    expect(other.methods).toEqual([])
  })
})

describe('what comes on the stream of a call after its answer', () => {
  it('goes to no other client', async () => {
    const { http, bench, client } = await open()
    const other = await bench.open(able)
    const [first, second] = [client.call('s__echo', '{"n":1}'), other.call('s__echo', '{"n":2}')]
    const [early, late] = [await http.nextPost('tools/call'), await http.nextPost('tools/call')]
    const stream = early.stream()
    stream.event({ id: early.message.id, result: {} })
    await first
    stream.event({ method: 'notifications/message', params: { level: 'info', data: 'for the first alone' } })
    stream.end()
    await early.closed
    // What takes as long a way as that has been read by then.
    const next = client.call('s__echo', '{"n":3}')
    ;(await http.nextPost('tools/call')).result()
    await next
    late.result()
    await second
    expect([...other.methods, ...client.methods]).toEqual([])
  })
})

describe('a call to a server that has forgotten the session', () => {
  it('is made once more, in a new session', async () => {
    const { http, client, bench } = await open()
    const called = client.call('s__echo')
    ;(await http.nextPost('tools/call')).answer(404)
    const again = await http.nextPost('tools/call')
    expect(again.headers['mcp-session-id']).toBe('session-2')
    again.result({ content: [] })
    expect((await called).result).toEqual({ content: [] })
    expect(http.posted.filter((method) => method === 'tools/call')).toHaveLength(2)
    expect(bench.log.map(({ message }) => message).join()).not.toContain('failed')
  })

  it('is made no third time', async () => {
    const { http, client } = await open()
    const called = client.call('s__echo')
    for (const session of ['session-1', 'session-2']) {
      const request = await http.nextPost('tools/call')
      expect(request.headers['mcp-session-id']).toBe(session)
      request.answer(404)
    }
    const { error } = await called
    expect(error).toEqual({
      code: -32000,
      message:
        'The server “s” did not take tools/call: the server has forgotten the session. The call has had no effect.',
      data: { code: 'call-refused', server: 's' },
    })
    // Others go on in the session that is open by then.
    const next = client.call('s__echo')
    const request = await http.nextPost('tools/call')
    expect(request.headers['mcp-session-id']).toBe('session-3')
    request.result()
    expect((await next).result).toEqual({})
  })

  it('is not made again when the client has taken it back', async () => {
    const { http, client } = await open()
    void client.call('s__echo', '{"n":1}')
    const request = await http.nextPost('tools/call')
    client.notify('notifications/cancelled', `{"requestId":${firstCall}}`)
    await waitUntil('it is told', () => http.posted.includes('notifications/cancelled'))
    request.answer(404)
    const next = client.call('s__echo', '{"n":2}')
    const other = await http.nextPost('tools/call')
    expect(other.body).toContain('"n":2')
    other.result()
    await next
    expect(client.ended).toEqual([key(firstCall)])
  })
})

describe('a call that gets no answer, though the server goes on', () => {
  it.each([
    [
      403,
      'call-refused',
      'The server “s” did not take tools/call: it forbids this (HTTP 403). The call has had no effect.',
    ],
    [
      500,
      'call-failed',
      'The server “s” did not answer tools/call: something went wrong in it (HTTP 500). The call may or may not have taken effect.',
    ],
  ])('is answered with an error that says so: %i', async (status, code, message) => {
    const { http, client } = await open()
    const called = client.call('s__echo')
    ;(await http.nextPost('tools/call')).answer(status)
    expect((await called).error).toEqual({ code: -32000, message, data: { code, server: 's' } })
  })
})
