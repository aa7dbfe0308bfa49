import { expect, it } from 'vitest'
import { isWithin, toKeyText } from './fault.ts'

it('writes paths as people do', () => {
  expect(toKeyText([])).toBe('')
  expect(toKeyText(['servers', 'files', 'args', 0])).toBe('servers.files.args[0]')
  expect(toKeyText(['$schema'])).toBe('$schema')
  expect(toKeyText(['servers', 'a.b', 'x'])).toBe('servers["a.b"].x')
})

it('tells what lies in what', () => {
  expect(isWithin(['a', 'b', 0], ['a', 'b'])).toBe(true)
  expect(isWithin(['a', 'b'], ['a', 'b'])).toBe(true)
  expect(isWithin(['a'], ['a', 'b'])).toBe(false)
  expect(isWithin(['a', 'c'], ['a', 'b'])).toBe(false)
})
