import { describe, expect, it } from 'vitest'
import { maskValues } from './mask-values.ts'

describe('maskValues', () => {
  it('takes every value out of a text, the longer ones first', () => {
    expect(maskValues('key sk-live-123456 and sk-live', ['sk-live', 'sk-live-123456'])).toBe(
      'key ••• and •••',
    )
  })

  it('leaves short values, which are words', () => {
    expect(maskValues('level 1 is true', ['1', 'true'])).toBe('level 1 is true')
  })
})
