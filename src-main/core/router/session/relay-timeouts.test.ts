import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openPair, passThrough, type BenchPair } from '../../../testing/router-bench.ts'

const callWithToken = '{"name":"s__echo","_meta":{"progressToken":"p"}}'

function openHasty(requestSeconds: number, resetOnProgress = true, capabilities = '{}'): Promise<BenchPair> {
  return openPair(
    { config: { timeouts: { connectSeconds: 10, requestSeconds, resetOnProgress } } },
    capabilities,
  )
}

describe('a call that takes longer than timeouts.requestSeconds', () => {
  it('is answered with -32001, cancelled at the server, and its late answer is dropped', async () => {
    const { life, client } = await openHasty(0.2)
    const answer = client.call('s__echo')
    const call = await life.next('tools/call')
    const { error } = await answer
    expect(error).toMatchObject({ code: -32001, data: { code: 'timed-out', server: 's' } })
    expect(error?.message).toContain('“s” did not answer tools/call within 0.2 s')
    expect((await life.next('notifications/cancelled')).params).toMatchObject({ requestId: call.id })
    const lines = client.lines.length
    life.reply(call)
    await passThrough({ client, life })
    expect(client.lines).toHaveLength(lines + 1)
  })

  it('has its time started anew by progress', async () => {
    const { life, client } = await openHasty(0.4)
    const started = performance.now()
    const answer = client.request('tools/call', callWithToken)
    const call = await life.next('tools/call')
    while (performance.now() - started < 900) {
      life.notify('notifications/progress', `{"progressToken":${Number(call.id)},"progress":1}`)
      await client.next('notifications/progress')
      await delay(20)
    }
    life.reply(call, '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('has not when timeouts.resetOnProgress is off', async () => {
    const { life, client } = await openHasty(0.4, false)
    const answer = client.request('tools/call', callWithToken)
    const call = await life.next('tools/call')
    const cancelled = life.next('notifications/cancelled')
    const isOver = answer.then(() => true)
    while (!(await Promise.race([isOver, delay(20, false)]))) {
      life.notify('notifications/progress', `{"progressToken":${Number(call.id)},"progress":1}`)
    }
    expect((await answer).error?.code).toBe(-32001)
    expect((await cancelled).params).toMatchObject({ requestId: call.id })
  })

  it('does not time out while a question of the server to its client is open', async () => {
    const { life, client } = await openHasty(0.5, true, '{"sampling":{}}')
    const started = performance.now()
    const answer = client.call('s__echo')
    const call = await life.next('tools/call')
    const asked = life.ask('"q"', 'sampling/createMessage', '{"_meta":{"progressToken":1}}')
    const question = await client.next('sampling/createMessage')
    // Progress keeps the question open beyond the time of the call.
    while (performance.now() - started < 1200) {
      client.notify('notifications/progress', `{"progressToken":${Number(question.id)},"progress":1}`)
      await life.next('notifications/progress')
      await delay(20)
    }
    client.reply(question, '{"role":"assistant"}')
    expect((await asked).result).toEqual({ role: 'assistant' })
    life.reply(call, '{"ok":1}')
    expect((await answer).result).toEqual({ ok: 1 })
    expect(life.count('notifications/cancelled')).toBe(0)
  })
})

describe('a question that the client does not answer in time', () => {
  it('is refused with -32001 and taken back from the client; its late answer is dropped', async () => {
    const { life, client } = await openHasty(0.2, true, '{"sampling":{}}')
    const asked = life.ask('"q"', 'sampling/createMessage')
    const question = await client.next('sampling/createMessage')
    expect((await asked).error).toMatchObject({ code: -32001, data: { code: 'timed-out' } })
    const cancelled = await client.next('notifications/cancelled')
    expect(cancelled.params).toMatchObject({ requestId: question.id })
    client.reply(question, '{}')
    await passThrough({ client, life })
    expect(life.lines.filter((line) => line.includes('"q"'))).toHaveLength(1)
  })
})
