import { describe, expect, it } from 'vitest'
import { openPair, passThrough } from '../../../testing/router-bench.ts'
import { toLine, toWireMessage } from '../../../testing/wire-message.ts'

const callParams = '{"name":"s__echo","arguments":{}}'

describe('a call', () => {
  it('and its answer keep every byte but id and name', async () => {
    const { life, client } = await openPair()
    client.write(
      '{ "params" : {"arguments":{"big":9007199254740993,"id":1,"f":1.0,"t":"\\u00e9"},"name" : "s__echo","x":null},"method":"tools\\/call", "id":"a", "x-own":[1.0]}',
    )
    const call = await life.next('tools/call')
    expect(call.text).toBe(
      `{ "params" : {"arguments":{"big":9007199254740993,"id":1,"f":1.0,"t":"\\u00e9"},"name" : "echo","x":null},"method":"tools\\/call", "id":${Number(call.id)}, "x-own":[1.0]}`,
    )
    life.write(`{"x-own":1.0,"result":{"content":[],"id":12345678901234567890 },"id": ${Number(call.id)}}`)
    const answer = await client.answerTo('a')
    expect(answer.text).toBe('{"x-own":1.0,"result":{"content":[],"id":12345678901234567890 },"id": "a"}')
  })

  it.each(['0', '-7', '1.0', '1e3', '123456789012345678901234567890', '""', '"1"', '"\\u0061\\n"'])(
    'has its id given back as it was written: %s',
    async (id) => {
      const { life, client } = await openPair()
      client.write(toLine('tools/call', callParams, id))
      life.reply(await life.next('tools/call'), '{"ok":1}')
      await client.answerTo(JSON.parse(id))
      expect(client.lines.at(-1)).toBe(`{"jsonrpc":"2.0","id":${id},"result":{"ok":1}}`)
    },
  )

  it('and another of the same id written as text and as number are told apart', async () => {
    const { life, client } = await openPair()
    client.write(toLine('tools/call', callParams, '"1000"'))
    client.write(toLine('tools/call', callParams, '1000'))
    const [first, second] = [await life.next('tools/call'), await life.next('tools/call')]
    life.reply(second, '{"second":true}')
    life.reply(first, '{"first":true}')
    expect((await client.answerTo(1000)).result).toEqual({ second: true })
    expect((await client.answerTo('1000')).result).toEqual({ first: true })
  })

  it('of each of two clients with the same id gets its own answer', async () => {
    const { bench, life, client } = await openPair()
    const other = await bench.open()
    client.write(toLine('tools/call', callParams, '"same"'))
    other.write(toLine('tools/call', callParams, '"same"'))
    const [first, second] = [await life.next('tools/call'), await life.next('tools/call')]
    expect(first.id).not.toEqual(second.id)
    life.reply(second, '{"for":"other"}')
    life.reply(first, '{"for":"client"}')
    expect((await client.answerTo('same')).result).toEqual({ for: 'client' })
    expect((await other.answerTo('same')).result).toEqual({ for: 'other' })
  })

  it('that is answered under the id as text is answered all the same', async () => {
    const { life, client } = await openPair()
    const answer = client.call('s__echo')
    const call = await life.next('tools/call')
    life.write(`{"jsonrpc":"2.0","id":"${Number(call.id)}","result":{"ok":1}}`)
    expect((await answer).result).toEqual({ ok: 1 })
  })

  it('that fails at the server has the server’s error, byte for byte', async () => {
    const { life, client } = await openPair()
    const answer = client.call('s__echo')
    life.fail(await life.next('tools/call'), '{"code":-1.0,"message":"no","data":{"n":1.0},"x":2}')
    expect((await answer).text).toContain('"error":{"code":-1.0,"message":"no","data":{"n":1.0},"x":2}')
  })

  it('that is answered with neither a result nor an error gets an error of ours', async () => {
    const { life, client } = await openPair()
    const answer = client.call('s__echo')
    life.write(`{"jsonrpc":"2.0","id":${Number((await life.next('tools/call')).id)}}`)
    expect((await answer).error).toMatchObject({
      code: -32603,
      message: expect.stringMatching(/“s”.*tools\/call.*neither/) as string,
      data: { code: 'empty-answer', server: 's' },
    })
  })
})

describe('progress', () => {
  it.each(['7', '"7"', '-1.5', '"a\\u0062"', '123456789012345678901234567890', 'null', '{"odd":[1.0]}'])(
    'comes back under the token as it was written: %s',
    async (token) => {
      const { life, client } = await openPair()
      const answer = client.request(
        'tools/call',
        `{"name":"s__echo","_meta":{"progressToken":${token},"x":1.0}}`,
      )
      const call = await life.next('tools/call')
      expect(call.text).toContain(`"_meta":{"progressToken":${Number(call.id)},"x":1.0}`)
      life.notify('notifications/progress', `{"progressToken":${Number(call.id)},"progress":1.0,"total":2}`)
      const progress = await client.next('notifications/progress')
      expect(progress.text).toBe(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1.0,"total":2}}`,
      )
      life.reply(call)
      await answer
    },
  )

  it('of a call that asked for none, of one that is over, and of none at all is dropped', async () => {
    const { life, client } = await openPair()
    const answer = client.call('s__echo')
    const call = await life.next('tools/call')
    const told = `{"progressToken":${Number(call.id)},"progress":1}`
    life.notify('notifications/progress', told)
    life.reply(call)
    await answer
    life.notify('notifications/progress', told)
    life.notify('notifications/progress', '{"progressToken":"nobody","progress":1}')
    life.notify('notifications/progress')
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })

  it('goes to the client that called and to no other', async () => {
    const { bench, life, client } = await openPair()
    const other = await bench.open()
    const meta = '{"name":"s__echo","_meta":{"progressToken":1}}'
    void client.request('tools/call', meta)
    void other.request('tools/call', meta)
    const calls = [await life.next('tools/call'), await life.next('tools/call')]
    life.notify('notifications/progress', `{"progressToken":${Number(calls[1]?.id)},"progress":5}`)
    expect((await other.next('notifications/progress')).params).toEqual({ progressToken: 1, progress: 5 })
    for (const call of calls) life.reply(call)
    await passThrough({ client, life })
    expect(client.methods).toEqual([])
  })
})

describe('a call that is cancelled', () => {
  it('is cancelled at the server under the id it knows, and its late answer is dropped', async () => {
    const { life, client } = await openPair()
    client.write(toLine('tools/call', callParams, '"c"'))
    const call = await life.next('tools/call')
    client.notify('notifications/cancelled', '{"requestId":"\\u0063","reason":"enough","x":1.0}')
    const cancelled = await life.next('notifications/cancelled')
    expect(cancelled.text).toBe(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${Number(call.id)},"reason":"enough","x":1.0}}`,
    )
    life.reply(call)
    await passThrough({ client, life })
    expect(client.lines.filter((line) => line.includes('"c"'))).toEqual([])
  })

  it('after its answer came, or that never was, is no business of the server’s', async () => {
    const { life, client } = await openPair()
    client.write(toLine('tools/call', callParams, '"c"'))
    life.reply(await life.next('tools/call'))
    await client.answerTo('c')
    client.notify('notifications/cancelled', '{"requestId":"c"}')
    client.notify('notifications/cancelled', '{"requestId":"other"}')
    client.notify('notifications/cancelled', '{}')
    await passThrough({ client, life })
    expect(life.count('notifications/cancelled')).toBe(0)
  })

  it('by the end of the session is cancelled at the server', async () => {
    const { bench, life, client } = await openPair()
    void client.call('s__echo')
    const call = await life.next('tools/call')
    client.close()
    expect((await life.next('notifications/cancelled')).params).toMatchObject({ requestId: call.id })
    const lines = client.lines.length
    life.reply(call)
    await passThrough({ client: await bench.open(), life })
    expect(client.lines).toHaveLength(lines)
  })
})

describe('a call whose server is lost', () => {
  it('fails with an error that names server and state', async () => {
    const { life, client } = await openPair()
    const answer = client.call('s__echo')
    await life.next('tools/call')
    await life.exit()
    const { error } = await answer
    expect(error).toMatchObject({
      code: -32000,
      data: { code: 'server-lost', server: 's', state: 'back-off' },
    })
    expect(error?.message).toMatch(/“s” was lost before it answered tools\/call: it exited with code 3/)
  })

  it('for good says so', async () => {
    const restart = { enabled: false, max: 5, windowSeconds: 300, delayMs: 1, maxDelayMs: 1, jitter: false }
    const { life, client } = await openPair({ config: { restart } })
    const answer = client.call('s__echo')
    await life.next('tools/call')
    await life.exit()
    expect((await answer).error?.data).toEqual({ code: 'server-lost', server: 's', state: 'stopped' })
  })
})

describe('broken JSON', () => {
  it('inside _meta of a call is refused, and the session goes on', async () => {
    const { life, client } = await openPair()
    client.write(toLine('tools/call', '{"name":"s__echo","_meta":{"progressToken":1 2}}', '"b"'))
    expect((await client.answerTo('b')).error?.code).toBe(-32700)
    await passThrough({ client, life })
    expect(life.count('tools/call')).toBe(1)
  })

  it('inside a server’s error goes to the client as it is', async () => {
    const { life, client } = await openPair()
    client.write(toLine('tools/call', callParams, '"b"'))
    life.fail(await life.next('tools/call'), '{"code":1,"data":{"elicitations" 2}}')
    const answer = await client.inbox.take('the answer', ({ text }) => text.includes('"b"'))
    expect(toWireMessage(answer.text).text).toContain('{"code":1,"data":{"elicitations" 2}}')
  })
})
