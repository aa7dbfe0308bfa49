import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addFailure, decideRestart, type RestartPolicy } from './restart-policy.ts'

const policy: RestartPolicy = {
  enabled: true,
  max: 5,
  windowSeconds: 300,
  delayMs: 1000,
  maxDelayMs: 5000,
  jitter: false,
}

const failures = (count: number, isPassing = false) =>
  Array.from(Array(count).keys(), (at) => ({ at, isPassing }))

describe('decideRestart', () => {
  it('doubles the delay with each failure, up to the longest', () => {
    const delays = [1, 2, 3, 4, 5].map((count) => decideRestart(policy, failures(count), 0))
    expect(delays).toEqual([1000, 2000, 4000, 5000, 5000].map((delayMs) => ({ type: 'retry', delayMs })))
  })

  it('calls it a crash loop once there are more failures than allowed', () => {
    expect(decideRestart(policy, failures(5), 0).type).toBe('retry')
    expect(decideRestart(policy, failures(6), 0)).toEqual({ type: 'crash-loop' })
    expect(decideRestart({ ...policy, max: 0 }, failures(1), 0)).toEqual({ type: 'crash-loop' })
  })

  it('never gives up for what passes by itself, unless restarts are switched off', () => {
    expect(decideRestart(policy, failures(100, true), 0)).toMatchObject({ type: 'retry' })
    const off = { ...policy, enabled: false }
    expect(decideRestart(off, failures(1, true), 0)).toEqual({ type: 'never' })
  })

  it('counts what passes by itself towards no crash loop, not even of what comes after it', () => {
    const refused = { at: 101, isPassing: false }
    expect(decideRestart(policy, [...failures(100, true), refused], 0)).toMatchObject({ type: 'retry' })
    expect(decideRestart(policy, [...failures(6), { at: 7, isPassing: true }], 0).type).toBe('retry')
  })

  it('asks seldom what is elsewhere and does not want us, in place of never', () => {
    const kind = { isPassing: false, retryAfterMs: 0, isElsewhere: true }
    expect(decideRestart(policy, failures(5), 0, kind)).toEqual({ type: 'retry', delayMs: 5000 })
    expect(decideRestart(policy, failures(6), 0, kind)).toEqual({ type: 'retry', delayMs: 600_000 })
  })

  it('waits for at least as long as it is asked to', () => {
    const asked = (retryAfterMs: number) =>
      decideRestart(policy, failures(1), 0, { isPassing: true, retryAfterMs, isElsewhere: true })
    expect(asked(5000)).toEqual({ type: 'retry', delayMs: 5000 })
    expect(asked(500)).toEqual({ type: 'retry', delayMs: 1000 })
  })

  it('never restarts when restarts are switched off', () => {
    expect(decideRestart({ ...policy, enabled: false }, failures(1), 0)).toEqual({ type: 'never' })
    expect(decideRestart({ ...policy, enabled: false }, failures(100), 0)).toEqual({ type: 'never' })
  })

  it('takes off at most half of the delay by jitter, and adds nothing', () => {
    const jittery = { ...policy, jitter: true }
    expect(decideRestart(jittery, failures(1), 0)).toEqual({ type: 'retry', delayMs: 1000 })
    expect(decideRestart(jittery, failures(1), 0.5)).toEqual({ type: 'retry', delayMs: 750 })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, random) => {
          const [plain, shaken] = [policy, jittery].map((one) => decideRestart(one, failures(count), random))
          if (plain?.type !== 'retry' || shaken?.type !== 'retry') throw new Error('no retry')
          expect(shaken.delayMs).toBeLessThanOrEqual(plain.delayMs)
          expect(shaken.delayMs).toBeGreaterThanOrEqual(plain.delayMs / 2)
        },
      ),
    )
  })

  it('gives a whole number of milliseconds', () => {
    expect(decideRestart({ ...policy, delayMs: 333, jitter: true }, failures(1), 0.1)).toEqual({
      type: 'retry',
      delayMs: 316,
    })
  })
})

describe('addFailure', () => {
  it('counts only the failures of the window, and the new one', () => {
    const times = (before: number[], now: number) => {
      const known = before.map((at) => ({ at, isPassing: false }))
      return addFailure(policy, known, now).map(({ at }) => at)
    }
    expect(times([], 5)).toEqual([5])
    expect(times([1000, 2000, 300_000], 301_000)).toEqual([2000, 300_000, 301_000])
  })

  it('forgets them all after a quiet window, so that the delay is short again', () => {
    const later = addFailure(policy, failures(5), 1_000_000)
    expect(decideRestart(policy, later, 0)).toEqual({ type: 'retry', delayMs: 1000 })
  })
})
