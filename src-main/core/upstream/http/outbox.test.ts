import { describe, expect, it } from 'vitest'
import { Outbox, toAskedId, type Outgoing } from './outbox.ts'

const asks = (id: number): Outgoing => ({ body: Buffer.from(`ask ${id}`), about: { asks: id } })
const tells = (text: string): Outgoing => ({ body: Buffer.from(text), about: undefined })
const text = (message: Outgoing | undefined): string | undefined => message?.body.toString()

describe('Outbox', () => {
  it('gives messages in the order in which they came', () => {
    const outbox = new Outbox()
    for (const message of [asks(1), tells('a'), asks(2)]) outbox.add(message)
    expect([1, 2, 3, 4].map(() => text(outbox.takeNext(true)))).toEqual(['ask 1', 'a', 'ask 2', undefined])
  })

  it('lets notifications pass by requests that may not go now', () => {
    const outbox = new Outbox()
    for (const message of [asks(1), tells('a'), asks(2), tells('b')]) outbox.add(message)
    expect([1, 2, 3].map(() => text(outbox.takeNext(false)))).toEqual(['a', 'b', undefined])
    expect(outbox.takeAll().map(text)).toEqual(['ask 1', 'ask 2'])
    expect(outbox.takeAll()).toEqual([])
  })

  it('gives a request back that is not wanted any more, once', () => {
    const outbox = new Outbox()
    for (const message of [asks(1), asks(2)]) outbox.add(message)
    expect([text(outbox.takeRequest(2)), outbox.takeRequest(2)]).toEqual(['ask 2', undefined])
    expect(outbox.takeAll().map(toAskedId)).toEqual([1])
  })

  it('knows what takes a request back for no request', () => {
    expect(toAskedId({ body: Buffer.alloc(0), about: { cancels: 1 } })).toBeUndefined()
  })
})
