import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openGatewayBench, patientTimeouts } from '../../../../testing/gateway-bench.ts'
import { callWithProgress, openPair, tellProgress } from '../../../../testing/http-pair.ts'
import { waitUntil } from '../../../../testing/router-bench.ts'
import { toLine } from '../../../../testing/wire-message.ts'

describe('the response to a call', { timeout: 20_000 }, () => {
  it('is JSON, byte for byte as the server wrote it, where nothing goes before the answer', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    life.reply(await life.next('tools/call'), '{"n":1.0, "big":9007199254740993,"ä":"ö"}')
    const response = await called
    expect(response.headers['content-type']).toBe('application/json')
    expect(await response.ended).toBe(
      '{"jsonrpc":"2.0","id":2,"result":{"n":1.0, "big":9007199254740993,"ä":"ö"}}',
    )
  })

  it('is JSON when it is large, too', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    const text = 'ä'.repeat(500_000)
    life.reply(await life.next('tools/call'), `{"text":"${text}"}`)
    const response = await called
    expect(response.headers['content-type']).toBe('application/json')
    const body = await response.ended
    expect(response.headers['content-length']).toBe(String(Buffer.byteLength(body)))
    expect(JSON.parse(body)).toMatchObject({ result: { text } })
  })

  it('is an error as the server gave it, with the status of an answer', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    life.fail(await life.next('tools/call'), '{"code":-1.0,"message":"no"}')
    const response = await called
    expect([response.status, await response.ended]).toEqual([
      200,
      '{"jsonrpc":"2.0","id":2,"error":{"code":-1.0,"message":"no"}}',
    ])
  })

  it('is a stream as soon as something goes before the answer, which is its last event', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    const response = await called
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    expect((await response.nextMessage()).text).toBe(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}',
    )
    life.reply(call, '{"n":1.0}')
    expect(await response.ended).toBe(
      [
        'id: post1-0\ndata: \n\n',
        'id: post1-1\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}\n\n',
        'id: post1-2\ndata: {"jsonrpc":"2.0","id":2,"result":{"n":1.0}}\n\n',
      ].join(''),
    )
  })

  it('begins without an empty event for clients of older revisions', async () => {
    const { client, life } = await openPair('2025-06-18')
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    life.reply(call)
    expect(await (await called).ended).toMatch(/^id: post1-1\ndata: \{.*\}\n\nid: post1-2\ndata: \{.*\}\n\n$/)
  })

  it('carries a server’s question, whose answer comes with another POST', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    const call = await life.next('tools/call')
    const asked = life.ask('"q"', 'elicitation/create', '{"message":"?"}')
    const response = await called
    const question = await response.nextMessage()
    expect(question).toMatchObject({ method: 'elicitation/create', params: { message: '?' } })
    const answered = await client.post(
      `{"jsonrpc":"2.0","id":${Number(question.id)},"result":{"action":"accept"}}`,
    )
    expect([answered.status, answered.headers['content-length'], await answered.ended]).toEqual([
      202,
      '0',
      '',
    ])
    expect((await asked).result).toEqual({ action: 'accept' })
    life.reply(call, '{"done":true}')
    expect((await response.nextMessage()).result).toEqual({ done: true })
  })

  it('keeps line ends of a server from ending events', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    life.write(`{"jsonrpc":"2.0","id":${Number(call.id)},\r"result":{"x":"\r\rid: post1-9\rdata: {}\r\r"}}`)
    const text = await (await called).ended
    expect(text).not.toContain('\r')
    expect(text.split('\n\n')).toHaveLength(4)
  })

  it('ends empty when the client takes its call back', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    const call = await life.next('tools/call')
    const cancelled = await client.post(toLine('notifications/cancelled', '{"requestId":2}'))
    expect(cancelled.status).toBe(202)
    const response = await called
    expect([response.status, response.headers['content-type'], await response.ended]).toEqual([
      200,
      'text/event-stream',
      '',
    ])
    expect((await life.next('notifications/cancelled')).params).toMatchObject({ requestId: call.id })
  })

  it('ends where it is when it is a stream by then', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    tellProgress(life, await life.next('tools/call'), 1)
    const response = await called
    await response.nextMessage()
    await client.post(toLine('notifications/cancelled', '{"requestId":2}'))
    expect(await response.ended).toContain('"progress":1')
    expect((await client.listen('post1-1')).status).toBe(400)
  })

  it('is refused for a second request of the same id', async () => {
    const { client, life } = await openPair()
    const called = client.call('s__x')
    const call = await life.next('tools/call')
    const second = await client.post(toLine('ping', undefined, '2'))
    expect(second.status).toBe(400)
    expect(await second.message()).toMatchObject({
      id: 2,
      error: { code: -32600, data: { code: 'id-in-use' } },
    })
    const other = await client.post(toLine('ping', undefined, '"2"'))
    expect(await other.message()).toMatchObject({ id: '2', result: {} })
    life.reply(call)
    expect((await called).status).toBe(200)
    expect((await client.post(toLine('ping', undefined, '2'))).status).toBe(200)
  })

  it('tells a client that its session ended, whichever way', async () => {
    const { client, life } = await openPair()
    const waiting = client.post(toLine('tools/call', '{"name":"s__x"}', '"a\\nb"'))
    await life.next('tools/call')
    const streaming = callWithProgress(client)
    tellProgress(life, await life.next('tools/call'), 1)
    const response = await streaming
    await client.delete()
    expect((await waiting).status).toBe(404)
    expect(await (await waiting).message()).toMatchObject({
      id: 'a\nb',
      error: { data: { code: 'session-gone' } },
    })
    expect(await response.ended).toContain('"progress":1')
    await waitUntil('the server hears of it', () => life.count('notifications/cancelled') === 2)
  })
})

describe('a call that takes long', { timeout: 20_000 }, () => {
  it('is a stream after 15 s, with a comment now and then', async () => {
    const { client, life } = await openPair()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const called = client.call('s__x')
    const call = await life.next('tools/call')
    vi.advanceTimersByTime(14_000)
    vi.advanceTimersByTime(1000)
    const response = await called
    expect(response.headers['content-type']).toBe('text/event-stream')
    vi.advanceTimersByTime(15_000)
    vi.useRealTimers()
    life.reply(call, '{"n":1.0}')
    expect(await response.ended).toBe(
      'id: post1-0\ndata: \n\n: keep-alive\n\nid: post1-1\ndata: {"jsonrpc":"2.0","id":2,"result":{"n":1.0}}\n\n',
    )
  })

  it('has the id of its session when it is the first one', async () => {
    const { bench, connect, log } = await openGatewayBench({
      servers: { s: { script: { isOpenedByHand: true }, config: { timeouts: patientTimeouts } } },
      isStartedByHand: true,
    })
    bench.router.start()
    const life = bench.server('s').nextLife()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const opened = connect('/mcp/servers/s').post(
      toLine(
        'initialize',
        '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c"}}',
        '1',
      ),
    )
    vi.advanceTimersByTime(0)
    const asked = await (await life).next('initialize')
    vi.advanceTimersByTime(15_000)
    vi.useRealTimers()
    const response = await opened
    expect(response.headers['mcp-session-id']).toMatch(/^[\w-]{32}$/)
    ;(await life).open(asked)
    expect(await response.nextMessage()).toMatchObject({
      id: 1,
      result: { serverInfo: { name: 'scripted' } },
    })
    expect(log.at(-1)).toMatchObject({ message: 'A client connected.', fields: { client: 'c', server: 's' } })
  })
})
