import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { tuneCollector } from './tune-collector.ts'

const file = path.join(import.meta.dirname, 'tune-collector.ts')

/** How often all memory is gone through while 2 GB of short-lived messages come, and what is said on stderr. */
function countCollections(prepare: string): { readonly count: number; readonly stderr: string } {
  const program = `
    import { PerformanceObserver, constants } from 'node:perf_hooks'
    import { setImmediate as nextTurn } from 'node:timers/promises'
    import { tuneCollector } from ${JSON.stringify(file)}
    ${prepare}
    let count = 0
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++
    }).observe({ entryTypes: ['gc'] })
    for (let message = 0; message < 2000; message++) {
      Buffer.allocUnsafeSlow(1_000_000)
      await nextTurn()
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(count)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  return { count: Number(stdout), stderr }
}

describe('tuneCollector', () => {
  it('makes V8 go through all memory less often, and says nothing', { timeout: 30_000 }, () => {
    const before = countCollections('')
    const after = countCollections('tuneCollector()')
    expect(before.count).toBeGreaterThan(1)
    expect(after).toEqual({ count: expect.any(Number) as number, stderr: '' })
    expect(after.count).toBeLessThan(before.count / 2)
  })

  it('leaves V8 alone where the flag may be another', () => {
    expect(tuneCollector('14.0.1')).toBe(false)
  })
})
