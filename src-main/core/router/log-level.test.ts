import { describe, expect, it } from 'vitest'
import { findLogLevel, isWanted, logLevels, toMostVerbose } from './log-level.ts'

describe('log levels', () => {
  it('are those of RFC 5424, and nothing else is one', () => {
    for (const level of logLevels) expect(findLogLevel(level)).toBe(level)
    expect([findLogLevel('warn'), findLogLevel(''), findLogLevel(undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('of several clients give the most verbose one; clients without one do not count', () => {
    expect(toMostVerbose(['error', undefined, 'info', 'alert'])).toBe('info')
    expect(toMostVerbose([undefined])).toBeUndefined()
    expect(toMostVerbose([])).toBeUndefined()
  })

  it('keep from a client what is below the one it set', () => {
    const passed = (wanted: 'debug' | 'error' | 'emergency') =>
      logLevels.filter((level) => isWanted(level, wanted, true))
    expect(passed('debug')).toEqual(logLevels)
    expect(passed('error')).toEqual(['error', 'critical', 'alert', 'emergency'])
    expect(passed('emergency')).toEqual(['emergency'])
  })

  it('let a client that set none have all that the server sends of itself, but no debug that another asked for', () => {
    expect(isWanted('debug', undefined, false)).toBe(true)
    expect(isWanted('debug', undefined, true)).toBe(false)
    expect(isWanted('info', undefined, true)).toBe(true)
  })

  it('that nobody knows are passed on', () => {
    expect(isWanted('chatty', 'emergency', true)).toBe(true)
    expect(isWanted(undefined, 'emergency', true)).toBe(true)
  })
})
