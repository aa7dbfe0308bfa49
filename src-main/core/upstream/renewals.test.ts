import { expect, it } from 'vitest'
import { Renewals } from './renewals.ts'

it('is too often more than five times within ten seconds', () => {
  const renewals = new Renewals()
  const outcomes = [0, 1000, 2000, 3000, 4000, 5000, 14_500, 15_500].map((now) => renewals.note(now))
  expect(outcomes).toEqual([false, false, false, false, false, true, false, false])
})
