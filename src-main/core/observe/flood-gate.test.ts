import { describe, expect, it } from 'vitest'
import { FloodGate } from './flood-gate.ts'

const limits = { burstBytes: 1000, bytesPerSecond: 100, resumeBytes: 200 }

describe('FloodGate', () => {
  it('lets a burst through, then shuts until a piece may pass again', () => {
    const gate = new FloodGate(limits, 0)
    expect(gate.admits(999, 0)).toBe(true)
    expect(gate.admits(2, 0)).toBe(false)
    expect(gate.admits(1, 1980)).toBe(false)
    expect(gate.admits(150, 2000)).toBe(true)
    expect(gate.admits(100, 2000)).toBe(false)
  })

  it('gathers no more than a burst in a calm', () => {
    const gate = new FloodGate(limits, 0)
    expect(gate.admits(1000, 1_000_000)).toBe(true)
    expect(gate.admits(1, 1_000_000)).toBe(false)
  })

  it('lets so much a second through in the long run', () => {
    const gate = new FloodGate(limits, 0)
    let passed = 0
    for (let now = 0; now < 100_000; now += 10) if (gate.admits(10, now)) passed += 10
    expect(passed).toBeGreaterThan(100 * 100)
    expect(passed).toBeLessThanOrEqual(1000 + 100 * 100)
  })
})
