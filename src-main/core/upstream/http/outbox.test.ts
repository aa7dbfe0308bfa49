import { describe, expect, it } from 'vitest'
import { Outbox, toAskedId, type Outgoing } from './outbox.ts'

const asks = (id: number, method = 'x'): Outgoing => ({
  body: Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}"}`),
  about: { asks: id },
})
const mostInFlight = 128
const tells = (text: string): Outgoing => ({ body: Buffer.from(text), about: undefined })

function create(...messages: Outgoing[]): { outbox: Outbox; take: (inFlight: number) => unknown } {
  const outbox = new Outbox()
  for (const message of messages) outbox.add(message)
  const take = (inFlight: number): unknown => {
    const message = outbox.takeNext(inFlight)
    return message && (toAskedId(message) ?? message.body.toString())
  }
  return { outbox, take }
}

describe('Outbox', () => {
  it('gives messages in the order in which they came', () => {
    const { take } = create(asks(1), tells('a'), asks(2), asks(3, 'ping'), tells('b'), asks(4))
    expect([1, 2, 3, 4, 5, 6, 7].map(() => take(0))).toEqual([1, 'a', 2, 3, 'b', 4, undefined])
  })

  it('lets notifications pass by requests that may not go now', () => {
    const { outbox, take } = create(asks(1), tells('a'), asks(2), tells('b'))
    expect([1, 2, 3].map(() => take(mostInFlight))).toEqual(['a', 'b', undefined])
    expect([outbox.isBlocked(mostInFlight), outbox.isBlocked(mostInFlight - 1)]).toEqual([true, false])
    expect([take(mostInFlight - 1), take(0), outbox.isBlocked(mostInFlight)]).toEqual([1, 2, false])
  })

  it('lets pings pass as well, though not for ever', () => {
    const { outbox, take } = create(asks(2, 'ping'), asks(3, 'ping'))
    expect([outbox.isBlocked(mostInFlight + 7), outbox.isBlocked(mostInFlight + 8)]).toEqual([false, true])
    expect([take(mostInFlight), take(mostInFlight + 8), take(mostInFlight + 7)]).toEqual([2, undefined, 3])
  })

  it.each([
    `{"jsonrpc":"2.0","id":1,"params":"${'x'.repeat(300)}","method":"ping"}`,
    '{"jsonrpc":"2.0","id":1,"method":"x","params":{"method":"ping"}}',
  ])('takes no other message for a ping: %s', (text) => {
    expect(create({ body: Buffer.from(text), about: { asks: 1 } }).take(mostInFlight)).toBeUndefined()
  })

  it('gives a request back that is not wanted any more, once', () => {
    const { outbox, take } = create(asks(1), asks(2), asks(3, 'ping'))
    const given = [2, 3, 2, 3].map((id) => outbox.takeRequest(id)?.about)
    expect(given).toEqual([{ asks: 2 }, { asks: 3 }, undefined, undefined])
    expect([take(0), take(0)]).toEqual([1, undefined])
  })

  it('knows what takes a request back for no request', () => {
    expect(toAskedId({ body: Buffer.alloc(0), about: { cancels: 1 } })).toBeUndefined()
  })
})
