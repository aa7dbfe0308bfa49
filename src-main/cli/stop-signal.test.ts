import { afterEach, describe, expect, it, vi } from 'vitest'
import { untilStopSignal } from './stop-signal.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]))

afterEach(() => {
  vi.restoreAllMocks()
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (before.get(signal)?.includes(listener) !== true) process.off(signal, listener)
    }
  }
})

describe('untilStopSignal', () => {
  it.each(signals)('gives %s, and goes on catching signals', async (signal) => {
    const stopped = untilStopSignal()
    process.kill(process.pid, signal)
    expect(await stopped).toBe(signal)
    for (const one of signals) {
      expect(process.listenerCount(one)).toBe((before.get(one)?.length ?? 0) + 1)
    }
  })
})
