import { describe, expect, it } from 'vitest'
import { EventStore, toKept } from './event-store.ts'

const message = (text: string) => [Buffer.from(text)]
const texts = (store: EventStore, stream: string, after = 0) =>
  store
    .after(stream, after)
    .map(({ number, message: parts }) => `${number} ${Buffer.concat(parts).toString()}`)

describe('EventStore', () => {
  it('gives what came after an event, of its own stream alone', () => {
    const store = new EventStore()
    expect(store.add('a', message('one'))).toBe(1)
    expect(store.add('b', message('other'))).toBe(1)
    expect(store.add('a', message('two'))).toBe(2)
    expect(texts(store, 'a')).toEqual(['1 one', '2 two'])
    expect(texts(store, 'a', 1)).toEqual(['2 two'])
    expect(texts(store, 'a', 2)).toEqual([])
    expect(texts(store, 'c')).toEqual([])
  })

  it('forgets the oldest when there are too many, of whatever stream', () => {
    const store = new EventStore(undefined, { bytes: 1000, events: 3 })
    for (const text of ['1', '2', '3', '4']) store.add(text === '2' ? 'b' : 'a', message(text))
    expect(texts(store, 'a')).toEqual(['2 3', '3 4'])
    expect(texts(store, 'b')).toEqual(['1 2'])
  })

  it('forgets the oldest when they are too large, but never the last one', () => {
    const store = new EventStore(undefined, { bytes: 10, events: 100 })
    store.add('a', message('12345'))
    store.add('a', [Buffer.from('123'), Buffer.from('456')])
    expect(texts(store, 'a')).toEqual(['2 123456'])
    store.add('a', message('x'.repeat(20)))
    expect(texts(store, 'a')).toEqual([`3 ${'x'.repeat(20)}`])
  })

  it('makes room by what it drops', () => {
    const store = new EventStore(undefined, { bytes: 10, events: 100 })
    store.add('a', message('12345'))
    store.add('b', message('12345'))
    store.drop('a')
    store.add('b', message('67890'))
    expect(texts(store, 'b')).toEqual(['1 12345', '2 67890'])
    expect(texts(store, 'a')).toEqual([])
    store.drop('nothing')
  })

  it('tells whose last event had to go, and of none that was dropped', () => {
    const emptied: string[] = []
    const store = new EventStore((stream) => emptied.push(stream), { bytes: 1000, events: 2 })
    for (const stream of ['a', 'a', 'b', 'c', 'd']) store.add(stream, message('x'))
    expect(emptied).toEqual(['a', 'b'])
    store.drop('c')
    store.add('d', message('x'))
    expect(emptied).toEqual(['a', 'b'])
  })

  it('keeps nothing of what a message was cut out of', () => {
    const store = new EventStore()
    const chunk = Buffer.alloc(64 * 1024, 'x')
    store.add('a', [chunk.subarray(0, 60), chunk.subarray(0, 40_000)])
    const [small, large] = store.after('a', 0)[0]?.message ?? []
    expect(small?.buffer.byteLength).toBe(60)
    expect(small?.toString()).toBe('x'.repeat(60))
    expect(large?.buffer).toBe(chunk.buffer)
  })
})

describe('toKept', () => {
  it('gives what is whole already as it is', () => {
    const whole = Buffer.alloc(64 * 1024, 'x')
    expect(toKept([whole])[0]).toBe(whole)
  })
})
