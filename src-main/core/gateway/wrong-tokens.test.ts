import { expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { WrongTokens } from './wrong-tokens.ts'

it('tells each of the first, then how many there were, and calms down', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { logger, entries } = createLogRecorder()
  const tokens = new WrongTokens(logger, { count: 2, withinMs: 10_000 })
  expect([tokens.note('socket'), tokens.note('http')]).toEqual([0, 0])
  vi.advanceTimersByTime(4000)
  expect([tokens.note('http'), tokens.note('socket')]).toEqual([6, 6])
  expect(entries.map(({ fields }) => fields)).toEqual([
    { code: 'bad-token', carrier: 'socket' },
    { code: 'bad-token', carrier: 'http' },
  ])
  vi.advanceTimersByTime(5999)
  expect(tokens.note('http')).toBe(1)
  vi.advanceTimersByTime(1)
  expect(tokens.note('http')).toBe(0)
  vi.advanceTimersByTime(10_000)
  expect(entries.slice(3)).toMatchObject([
    { level: 'warning', message: 'More clients came with wrong tokens.', fields: { count: 3 } },
  ])
})
