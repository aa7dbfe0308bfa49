import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Outflow } from './outflow.ts'

const mebi = 1024 * 1024

class Sink {
  takenAt = performance.now()
  unsentBytes = 0
  readonly #outflow: Outflow

  constructor(outflow: Outflow) {
    this.#outflow = outflow
  }

  give(bytes: number): void {
    this.unsentBytes += bytes
    this.#outflow.add(this, bytes)
  }

  take(bytes: number): void {
    this.unsentBytes -= bytes
    this.takenAt = performance.now()
    this.#outflow.remove(this, bytes, this.unsentBytes === 0)
  }

  destroy(): void {
    this.take(this.unsentBytes)
  }
}

function setUp() {
  const told = { drained: 0, cut: 0 }
  const outflow = new Outflow({
    stallMs: 10_000,
    onDrained: () => (told.drained += 1),
    onStalled: () => (told.cut += 1),
  })
  return { told, outflow, sinks: [new Sink(outflow), new Sink(outflow)] as const }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Outflow', () => {
  it('is congested from 8 MiB on until half of it is gone', () => {
    const { told, outflow, sinks } = setUp()
    sinks[0].give(5 * mebi)
    expect(outflow.isCongested).toBe(false)
    sinks[1].give(3 * mebi)
    expect(outflow.isCongested).toBe(true)
    sinks[0].take(3 * mebi)
    expect([outflow.isCongested, told.drained]).toEqual([true, 0])
    sinks[1].take(mebi)
    expect([outflow.isCongested, told.drained]).toEqual([false, 1])
  })

  it('cuts who takes nothing for 30 s, and nobody before', () => {
    const { told, sinks } = setUp()
    sinks[0].give(7 * mebi)
    sinks[1].give(7 * mebi)
    vi.advanceTimersByTime(20_000)
    sinks[1].take(1)
    vi.advanceTimersByTime(9000)
    expect(told.cut).toBe(0)
    vi.advanceTimersByTime(1000)
    expect([told.cut, sinks[0].unsentBytes]).toEqual([1, 0])
    vi.advanceTimersByTime(15_000)
    expect([told.cut, sinks[1].unsentBytes]).toEqual([1, 7 * mebi - 1])
    vi.advanceTimersByTime(5000)
    expect([told.cut, sinks[1].unsentBytes]).toEqual([2, 0])
  })

  it('lets nobody be held up for longer than 10 s, not even by who takes nothing', () => {
    const { told, outflow, sinks } = setUp()
    sinks[0].give(8 * mebi)
    vi.advanceTimersByTime(9000)
    expect(outflow.isCongested).toBe(true)
    vi.advanceTimersByTime(1000)
    expect([told.drained, outflow.isCongested]).toEqual([1, false])
  })

  it('lets who takes some hold nobody up after 10 s, until 8 MiB more have come', () => {
    const { told, outflow, sinks } = setUp()
    sinks[0].give(50 * mebi)
    for (let second = 0; second < 10; second++) {
      expect(outflow.isCongested).toBe(true)
      vi.advanceTimersByTime(1000)
      sinks[0].take(1000)
    }
    vi.advanceTimersByTime(2500)
    expect([told.cut, told.drained, outflow.isCongested]).toEqual([0, 1, false])
    sinks[0].give(7 * mebi)
    expect(outflow.isCongested).toBe(false)
    sinks[1].give(2 * mebi)
    expect(outflow.isCongested).toBe(true)
    // Once it has caught up, it is as quick as any other.
    sinks[0].take(sinks[0].unsentBytes)
    sinks[0].give(8 * mebi)
    expect([outflow.isCongested, told.drained]).toEqual([true, 2])
  })

  it('keeps 128 MiB for a slow client and cuts who has most to take then', () => {
    const { told, outflow, sinks } = setUp()
    sinks[0].give(100 * mebi)
    sinks[1].give(50 * mebi)
    for (let second = 0; second < 13; second++) {
      vi.advanceTimersByTime(1000)
      for (const sink of sinks) if (sink.unsentBytes > 0) sink.take(1000)
    }
    expect([told.cut, sinks[0].unsentBytes]).toEqual([1, 0])
    expect(sinks[1].unsentBytes).toBeGreaterThan(49 * mebi)
    vi.advanceTimersByTime(1000)
    sinks[1].take(1000)
    vi.advanceTimersByTime(2500)
    expect([told.cut, outflow.isCongested]).toEqual([1, false])
  })
})
