import { expect, it } from 'vitest'
import { PathSet, toKeyText } from './fault.ts'

it('writes paths as people do', () => {
  expect(toKeyText([])).toBe('')
  expect(toKeyText(['servers', 'files', 'args', 0])).toBe('servers.files.args[0]')
  expect(toKeyText(['$schema'])).toBe('$schema')
  expect(toKeyText(['servers', 'a.b', 'x'])).toBe('servers["a.b"].x')
})

it('tells what lies in what', () => {
  const places = new PathSet([
    ['a', 'b'],
    ['c', 0],
  ])
  expect(places.covers(['a', 'b', 0])).toBe(true)
  expect(places.covers(['a', 'b'])).toBe(true)
  expect(places.covers(['a'])).toBe(false)
  expect(places.covers(['c', '0'])).toBe(false)
  expect(places.has(['a', 'b', 0])).toBe(false)
  places.add([])
  expect(places.covers(['x'])).toBe(true)
})
