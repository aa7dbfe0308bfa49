import { once } from 'node:events'
import { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LineWriter, type LineWriterOptions } from './line-writer.ts'

/** A stream that remembers what it was given to write, and takes it only while it reads. */
class Sink extends Writable {
  readonly writes: Buffer[][] = []
  isReading = true
  #waiting: (() => void)[] = []

  override _write(...[chunk, , done]: [Buffer, string, () => void]): void {
    this.#take([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  get text(): string {
    return Buffer.concat(this.writes.flat()).toString()
  }

  /** Takes what was written first, and nothing more. */
  takeOne(): void {
    this.#waiting.shift()?.()
  }

  read(): void {
    this.isReading = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const done of waiting) done()
  }

  #take(chunks: Buffer[], done: () => void): void {
    this.writes.push(chunks)
    if (this.isReading) done()
    else this.#waiting.push(done)
  }
}

function setUp(changes: Partial<LineWriterOptions> = {}) {
  const told: string[] = []
  const sink = new Sink()
  const writer = new LineWriter(sink, {
    highWaterBytes: 10,
    stallMs: 1000,
    onCongested: () => told.push('congested'),
    onDrained: () => told.push('drained'),
    onStalled: () => told.push('stalled'),
    ...changes,
  })
  const write = (...texts: string[]) => {
    writer.write(texts.map((text) => Buffer.from(text)))
  }
  return { told, sink, writer, write }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('LineWriter', () => {
  it('writes the lines of one turn together, and those of the next apart', async () => {
    const { sink, write } = setUp()
    write('on', 'e')
    await Promise.resolve()
    write('two')
    expect(sink.writes).toEqual([])
    await nextTurn()
    write('three')
    await nextTurn()
    expect(sink.writes.map((chunks) => chunks.map(String))).toEqual([['one\ntwo\n'], ['three\n']])
  })

  it('writes at once what is worth it, and what comes meanwhile when that is gone', async () => {
    const { sink, write } = setUp({ highWaterBytes: Infinity })
    sink.isReading = false
    const long = 'x'.repeat(2500)
    write('short')
    write(long)
    expect(sink.text).toBe(`short\n${long}\n`)
    write(long)
    write('last')
    await nextTurn()
    expect(sink.writes).toHaveLength(1)
    sink.read()
    await nextTurn()
    expect(sink.writes).toHaveLength(2)
    expect(sink.text).toBe(`short\n${long}\n${long}\nlast\n`)
  })

  it('passes large messages on as they are, without a copy, and still in one write', () => {
    const { sink, writer } = setUp({ highWaterBytes: Infinity })
    const large = Buffer.alloc(100_000, 'x')
    writer.write([Buffer.from('{'), large])
    expect(sink.writes).toHaveLength(1)
    expect(sink.writes[0]?.[1]?.buffer).toBe(large.buffer)
    expect(sink.text).toBe(`{${large.toString()}\n`)
  })

  it('ends every line, even an empty one', async () => {
    const { sink, writer } = setUp()
    writer.write([])
    await nextTurn()
    expect(sink.text).toBe('\n')
  })

  it('tells once that the reader does not keep up, and once that it does again', async () => {
    const { told, sink, writer, write } = setUp()
    sink.isReading = false
    write('12345678')
    expect(writer.isCongested).toBe(false)
    await nextTurn()
    write('9')
    expect(writer.isCongested).toBe(true)
    write('more')
    await nextTurn()
    expect(told).toEqual(['congested'])
    sink.read()
    await vi.waitFor(() => {
      expect(told).toEqual(['congested', 'drained'])
    })
    expect(writer.isCongested).toBe(false)
    expect(sink.text).toBe('12345678\n9\nmore\n')
  })

  it('is drained only when nothing waits any more', async () => {
    const { told, sink, write } = setUp()
    sink.isReading = false
    write('1234567890')
    await nextTurn()
    write('later')
    sink.takeOne()
    await nextTurn()
    expect(told).toEqual(['congested'])
    sink.read()
    await vi.waitFor(() => {
      expect(told).toEqual(['congested', 'drained'])
    })
  })

  it('is not stalled while it takes something now and then, in parts of a large message too', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { told, sink, write } = setUp()
    sink.isReading = false
    write('x'.repeat(2_000_000))
    await nextTurn()
    for (let part = 0; part < 3; part++) {
      vi.advanceTimersByTime(900)
      sink.takeOne()
      await nextTurn()
    }
    expect(told).toEqual(['congested'])
    sink.read()
    await nextTurn()
    expect(told).toEqual(['congested', 'drained'])
    expect(sink.text).toHaveLength(2_000_001)
  })

  it('bears with a slow reader where that is wanted, until too much waits for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { told, sink, writer, write } = setUp({ mostBytes: 3_000_000 })
    sink.isReading = false
    write('x'.repeat(3_000_000))
    await nextTurn()
    vi.advanceTimersByTime(900)
    sink.takeOne()
    await nextTurn()
    expect(told).toEqual(['congested'])
    vi.advanceTimersByTime(200)
    sink.takeOne()
    await nextTurn()
    expect(told).toEqual(['congested', 'drained'])
    expect(writer.isCongested).toBe(false)
    write('more than the first time')
    expect(told).toEqual(['congested', 'drained', 'congested'])
    write('x'.repeat(3_000_000))
    vi.advanceTimersByTime(900)
    sink.takeOne()
    await nextTurn()
    vi.advanceTimersByTime(200)
    sink.takeOne()
    await nextTurn()
    expect(told.slice(3)).toEqual(['stalled'])
  })

  it('counts from the beginning again once a slow reader has caught up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { told, sink, write } = setUp({ mostBytes: 3_000_000 })
    sink.isReading = false
    write('x'.repeat(2_000_000))
    await nextTurn()
    for (let part = 0; part < 2; part++) {
      vi.advanceTimersByTime(600)
      sink.takeOne()
      await nextTurn()
    }
    sink.read()
    await nextTurn()
    sink.isReading = false
    write('1234567890')
    expect(told).toEqual(['congested', 'drained', 'congested'])
  })

  it('becomes congested anew after it was drained', async () => {
    const { told, sink, write } = setUp()
    write('1234567890')
    await nextTurn()
    sink.isReading = false
    write('1234567890')
    await nextTurn()
    expect(told).toEqual(['congested', 'drained', 'congested'])
  })

  it('tells that the reader stalled when it stays congested for as long as allowed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { told, sink, write } = setUp()
    sink.isReading = false
    write('1234567890')
    await nextTurn()
    vi.advanceTimersByTime(999)
    expect(told).toEqual(['congested'])
    vi.advanceTimersByTime(1)
    expect(told).toEqual(['congested', 'stalled'])
    vi.advanceTimersByTime(10_000)
    expect(told).toEqual(['congested', 'stalled'])
  })

  it('does not tell of a stall once the reader caught up, or the stream is closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const caughtUp = setUp()
    caughtUp.write('1234567890')
    await nextTurn()
    const closed = setUp()
    closed.sink.isReading = false
    closed.write('1234567890')
    closed.sink.destroy()
    await once(closed.sink, 'close')
    expect(closed.writer.isCongested).toBe(false)
    vi.advanceTimersByTime(10_000)
    expect(caughtUp.told).toEqual(['congested', 'drained'])
    expect(closed.told).toEqual(['congested'])
  })

  it('writes what is queued before it ends the stream', async () => {
    const { sink, writer, write } = setUp()
    write('last words')
    writer.end()
    await once(sink, 'finish')
    expect(sink.text).toBe('last words\n')
  })

  it('writes nothing after it was ended or closed', async () => {
    const ended = setUp()
    ended.writer.end()
    ended.writer.end()
    ended.write('too late')
    const closed = setUp()
    closed.write('given up')
    closed.writer.close()
    closed.write('too late')
    const gone = setUp()
    gone.sink.destroy()
    await once(gone.sink, 'close')
    gone.write('too late')
    gone.writer.end()
    await nextTurn()
    expect([ended, closed, gone].map(({ sink }) => sink.text)).toEqual(['', '', ''])
    expect(closed.sink.writableEnded).toBe(false)
  })
})
