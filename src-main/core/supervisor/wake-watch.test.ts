import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchForWake } from './wake-watch.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('tells once of a clock that jumped between two ticks, and not of a busy machine', () => {
  let clock = 0
  let wakes = 0
  const end = watchForWake(
    () => wakes++,
    () => clock,
  )
  const tick = (passed: number): void => {
    clock += passed
    vi.advanceTimersByTime(2000)
  }
  tick(2000)
  tick(5000)
  expect(wakes).toBe(0)
  tick(3_600_000)
  expect(wakes).toBe(1)
  tick(2000)
  expect(wakes).toBe(1)
  end()
  tick(3_600_000)
  expect(wakes).toBe(1)
})
