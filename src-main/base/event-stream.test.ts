import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventStreamReader } from './event-stream.ts'

interface Told {
  /** Type, data and the last id that was told with or before it. */
  readonly events: (readonly [type: string, data: string, id: string])[]
  readonly retries: number[]
}

function collect(maxBytes = 1_000_000) {
  const told: Told = { events: [], retries: [] }
  const tooLong: string[] = []
  let pending: (readonly [string, string])[] = []
  let id = ''
  const flush = (): void => {
    told.events.push(...pending.map(([type, data]) => [type, data, id] as const))
    pending = []
  }
  const reader = new EventStreamReader({
    maxBytes,
    onEvent: ({ type, data }) => {
      flush()
      pending.push([type, data.toString()])
    },
    onId: (next) => {
      // It belongs to the event that was told just before it.
      id = next
      flush()
    },
    onRetry: (milliseconds) => told.retries.push(milliseconds),
    onTooLong: (first, last) => tooLong.push(`${first.toString()}…${last.toString()}`),
  })
  return { reader, told, tooLong, flush }
}

function readOurs(bytes: Buffer, cuts: readonly number[]): Told {
  const { reader, told, flush } = collect()
  let rest = bytes
  for (const cut of cuts) {
    reader.push(rest.subarray(0, cut))
    rest = rest.subarray(cut)
  }
  reader.push(rest)
  flush()
  return told
}

/** What the library reads. It wants text, all at once here, and leaves byte order marks to whoever decodes. */
function readTheirs(bytes: Buffer): Told {
  const told: Told = { events: [], retries: [] }
  let last = ''
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      last = id ?? last
      told.events.push([event ?? 'message', data, last])
    },
    onRetry: (milliseconds) => told.retries.push(milliseconds),
  })
  // A last carriage return is a line end only once it is plain that no newline follows.
  parser.feed(new TextDecoder().decode(bytes))
  parser.feed(':\n')
  return told
}

const value = fc.string({
  unit: fc.constantFrom('a', ' ', ':', 'ü', '漢', '\u2028', '{', '\ufeff', '0'),
  maxLength: 8,
})
const field = fc.oneof(
  { weight: 4, arbitrary: value.map((text) => `data:${text}`) },
  { weight: 2, arbitrary: value.map((text) => `data: ${text}`) },
  fc.constantFrom(
    'data',
    'data:',
    'data: ',
    ':',
    ': comment',
    'event',
    'unknown: x',
    'dataset: x',
    ' data: x',
  ),
  value.map((text) => `event: ${text}`),
  fc.constantFrom('retry: 10', 'retry:5', 'retry: x', 'retry: -1', 'retry: 1.5'),
)
/** An id counts, for the library, only with the event that has it: so each stands with some data. */
const withId = fc
  .constantFrom('id: 1', 'id:b', 'id', 'id: \u0000', 'id: ü')
  .map((text) => [text, 'data: with id'])
const block = fc
  .array(fc.oneof({ weight: 5, arbitrary: field.map((one) => [one]) }, withId), { maxLength: 5 })
  .map((lines) => [...lines.flat(), ''])
const lineEnd = fc.constantFrom('\n', '\r', '\r\n')

const stream = fc
  .tuple(
    fc.boolean(),
    fc.array(block, { maxLength: 6 }).chain((blocks) => {
      const lines = blocks.flat()
      return fc.tuple(
        fc.constant(lines),
        fc.array(lineEnd, { minLength: lines.length, maxLength: lines.length }),
      )
    }),
    value,
  )
  .map(([hasMark, [lines, ends], rest]) => {
    const text = lines.map((line, at) => `${line}${ends[at] ?? ''}`).join('')
    return Buffer.from(`${hasMark ? '\ufeff' : ''}${text}${rest}`)
  })

describe('EventStreamReader', () => {
  it('reads what another reader of event streams reads, however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(12)), (bytes, cuts) => {
        expect(readOurs(bytes, cuts)).toEqual(readTheirs(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('tells ids of events without data as well, and of every event after one', () => {
    const ids: string[] = []
    const reader = new EventStreamReader({
      maxBytes: 100,
      onEvent: () => undefined,
      onId: (id) => ids.push(id),
      onRetry: () => undefined,
      onTooLong: () => undefined,
    })
    reader.push(Buffer.from('id: 1\n\ndata: x\n\nid\ndata: y\n\nid: 2\n'))
    expect(ids).toEqual(['1', '1', ''])
  })

  it('drops what is unfinished when the stream ends', () => {
    const { reader, told, flush } = collect()
    reader.push(Buffer.from('data: whole\n\ndata: half\n'))
    flush()
    expect(told.events).toEqual([['message', 'whole', '']])
  })
})

describe('an event that is too long', () => {
  it.each([
    ['in one line', `data: first${'x'.repeat(3000)}last\n\n`],
    ['in several long lines', `data: first${'x'.repeat(3000)}\ndata: ${'x'.repeat(3000)}last\n\n`],
    ['in the first line of all', `\ufeffdata: first${'x'.repeat(3000)}last\n\n`],
    ['in several lines', `data: first${'x'.repeat(600)}\ndata: ${'x'.repeat(600)}\ndata: last\n\n`],
    ['with other fields', `id: 1\nevent: e\ndata: first${'x'.repeat(3000)}last\nretry: 5\n\n`],
  ])('is told with its first and last bytes, and the next one is read: %s', (...[, text]) => {
    for (const size of [1, 7, 100_000]) {
      const { reader, told, tooLong, flush } = collect(1000)
      const bytes = Buffer.from(`${text}data: next\n\n`)
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
      flush()
      expect(tooLong).toHaveLength(1)
      expect(tooLong[0]).toMatch(/^firstx+…x*.*last$/s)
      expect(told.events.map(([type, data]) => [type, data])).toEqual([['message', 'next']])
    }
  })

  it.each([
    ['a comment that is', `: ${'x'.repeat(3000)}\ndata: whole\n\n`],
    [
      'other fields behind the longest data',
      `data: ${'x'.repeat(1000)}\nid: 123456789\nevent: message\nretry: 5\n\n`,
    ],
    ['an unknown field that is, behind data', `data: whole\nunknown: ${'x'.repeat(3000)}\ndata: more\n\n`],
  ])('is not one with %s', (...[, text]) => {
    for (const size of [1, 7, 100_000]) {
      const { reader, told, tooLong, flush } = collect(1000)
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
      flush()
      expect([told.events.length, tooLong]).toEqual([1, []])
    }
  })

  it('of exactly the longest length is read', () => {
    const { reader, told, tooLong, flush } = collect(1000)
    reader.push(Buffer.from(`data: ${'x'.repeat(1000)}\n\ndata: ${'x'.repeat(1001)}\n\n`))
    flush()
    expect([told.events.map(([, { length }]) => length), tooLong.length]).toEqual([[1000], 1])
  })
})

describe('an event of very many lines', () => {
  it('takes no more memory than its bytes', () => {
    const { reader, told, flush } = collect(2 ** 26)
    const chunk = Buffer.from('data:\n'.repeat(100_000))
    const before = process.memoryUsage()
    for (let count = 0; count < 20; count += 1) reader.push(chunk)
    const after = process.memoryUsage()
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
    // Two million lines; one object for each would be some 200 MB.
    expect(grown).toBeLessThan(100 * 2 ** 20)
    reader.push(Buffer.from('data: x\n\n'))
    flush()
    expect(told.events[0]?.[1]).toBe(`${'\n'.repeat(2_000_000)}x`)
  })
})

describe('the work of reading', () => {
  function measure(bytes: number): number {
    const { reader, told, flush } = collect(2 ** 26)
    const chunk = Buffer.alloc(1024, 'x')
    const started = performance.now()
    reader.push(Buffer.from('data: '))
    for (let sent = 0; sent < bytes; sent += chunk.length) reader.push(chunk)
    reader.push(Buffer.from('\n\n'))
    flush()
    expect(told.events[0]?.[1]).toHaveLength(bytes)
    return performance.now() - started
  }

  it('grows with the bytes and not faster, though an event comes in small chunks', () => {
    measure(2 ** 20)
    const best = (bytes: number): number => Math.min(measure(bytes), measure(bytes), measure(bytes))
    expect(best(10 * 2 ** 20)).toBeLessThan(best(5 * 2 ** 20) * 8 + 50)
  })
})
