import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { callWithProgress, openPair, tellProgress, waitForTimers } from '../../../../testing/http-pair.ts'
import { patience } from '../../../../testing/patience.ts'
import { toLine } from '../../../../testing/wire-message.ts'

describe('a client that goes before its answer', { timeout: 20_000 }, () => {
  it('takes nothing back, and can ask for the rest of a stream', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    const response = await called
    await response.nextMessage()
    response.destroy()
    tellProgress(life, call, 2)
    const resumed = await client.listen('post1-1')
    expect(await resumed.nextMessage()).toMatchObject({ params: { progress: 2 } })
    life.reply(call, '{"n":1.0}')
    expect(await resumed.ended).toMatch(
      /^id: post1-2\n.*\n\nid: post1-3\ndata: .*"result":\{"n":1.0\}\}\n\n$/,
    )
    expect(life.count('notifications/cancelled')).toBe(0)
  })

  it('finds an answer that came meanwhile', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    const response = await called
    await response.nextMessage()
    response.destroy()
    await vi.waitFor(async () => {
      const taken = await client.listen('post1-0')
      expect(await taken.nextMessage()).toMatchObject({ params: { progress: 1 } })
      taken.destroy()
    }, patience)
    life.reply(call)
    const resumed = await client.listen('post1-1')
    expect(await resumed.ended).toMatch(/^id: post1-2\ndata: .*\n\n$/)
  })

  it('finds all of it again for a minute: what went out need not have come to it', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    life.reply(call)
    await (
      await called
    ).ended
    await waitForTimers()
    vi.advanceTimersByTime(59_000)
    const again = await client.listen('post1-1')
    expect(await again.ended).toMatch(/^id: post1-2\ndata: .*\n\n$/)
    await waitForTimers()
    vi.advanceTimersByTime(60_000)
    vi.useRealTimers()
    const late = await client.listen('post1-1')
    expect(late.status).toBe(400)
    expect(await late.message()).toMatchObject({ error: { data: { code: 'unknown-event' } } })
  })

  it('is forgotten after five minutes', async () => {
    const { client, life } = await openPair()
    const called = callWithProgress(client)
    const call = await life.next('tools/call')
    tellProgress(life, call, 1)
    const response = await called
    await response.nextMessage()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    response.destroy()
    await response.ended
    life.reply(call)
    await waitForTimers()
    vi.advanceTimersByTime(5 * 60_000)
    vi.useRealTimers()
    expect((await client.listen('post1-1')).status).toBe(400)
  })

  it('gets no answer where there was nothing that it could ask for again', async () => {
    const { client, life } = await openPair()
    const lost = client.call('s__x')
    const call = await life.next('tools/call')
    client.cutLast()
    await expect(lost).rejects.toThrow('socket hang up')
    const stream = await client.listen()
    // Once it is known to be gone, a question of the server goes to the stream that is open.
    const asked = life.ask('1', 'elicitation/create')
    const question = await stream.nextMessage()
    await client.post(`{"jsonrpc":"2.0","id":${Number(question.id)},"result":{}}`)
    await asked
    life.reply(call)
    expect((await client.post(toLine('ping', undefined, '99'))).status).toBe(200)
  })
})
