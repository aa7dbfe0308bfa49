import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isSameValue } from './is-same-value.ts'

it('agrees with JSON on what is the same, but for the order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (left, right) => {
      expect(isSameValue(left, JSON.parse(JSON.stringify(left)))).toBe(true)
      if (JSON.stringify(left) !== JSON.stringify(right)) {
        expect(isSameValue([left], [left, right])).toBe(false)
        expect(isSameValue({ a: left, b: right }, { b: right, a: left })).toBe(true)
      }
    }),
  )
})

it.each([
  [{}, []],
  [{}, null],
  [{ a: 1 }, { b: 1 }],
  [{ a: 1 }, { a: 1, b: 1 }],
  [
    [1, 2],
    [2, 1],
  ],
  ['1', 1],
  [{}, { toString: 1 }],
  [{ toString: 1 }, {}],
])('tells %j from %j', (left, right) => {
  expect(isSameValue(left, right)).toBe(false)
  expect(isSameValue(right, left)).toBe(false)
})
