import { describe, expect, it } from 'vitest'
import { UntakenBytes } from './untaken-bytes.ts'

describe('UntakenBytes', () => {
  const megabyte = 1024 * 1024

  it('is congested beyond 32 MB and until half of that, and tells once', () => {
    let drained = 0
    const untaken = new UntakenBytes(() => drained++)
    untaken.add(32 * megabyte)
    expect(untaken.isCongested).toBe(false)
    untaken.add(1)
    expect(untaken.isCongested).toBe(true)
    untaken.remove(16 * megabyte)
    expect([untaken.isCongested, drained]).toEqual([true, 0])
    untaken.remove(1)
    untaken.remove(16 * megabyte)
    expect([untaken.isCongested, drained]).toEqual([false, 1])
  })
})
