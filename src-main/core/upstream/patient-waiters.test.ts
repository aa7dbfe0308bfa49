import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PatientWaiters } from './patient-waiters.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const late = () => new Error('late')

it('lets all who wait know at once', async () => {
  const waiters = new PatientWaiters()
  const all = [waiters.wait(1000, late), waiters.wait(1000, late)]
  waiters.settle()
  await expect(Promise.all(all)).resolves.toEqual([undefined, undefined])
  expect(vi.getTimerCount()).toBe(0)
})

it('lets nobody wait for longer than he wants', async () => {
  const waiters = new PatientWaiters()
  const [short, long] = [waiters.wait(1000, late), waiters.wait(2000, late)]
  const outcome = expect(short).rejects.toThrow('late')
  await vi.advanceTimersByTimeAsync(1000)
  await outcome
  waiters.settle()
  await expect(long).resolves.toBeUndefined()
})
