import { expect, it } from 'vitest'
import { createScalar, findNode, locate, type MapNode } from './config-node.ts'

const inner: MapNode = {
  kind: 'map',
  at: 30,
  entries: new Map([['x', { keyAt: 31, value: createScalar(34, 1) }]]),
}
const root: MapNode = {
  kind: 'map',
  at: 5,
  entries: new Map([
    ['a', { keyAt: 5, value: createScalar(8, 'text') }],
    ['list', { keyAt: 20, value: { kind: 'list', at: 28, items: [inner] } }],
  ]),
}

it('finds nodes', () => {
  expect(findNode(root, ['list', 0, 'x'])).toMatchObject({ value: 1 })
  expect(findNode(root, ['list', 1])).toBeUndefined()
  expect(findNode(root, ['a', 'b'])).toBeUndefined()
  expect(findNode(root, ['none', 'b'])).toBeUndefined()
})

it('points at values, at keys, and at what is around a missing key', () => {
  expect(locate(root, ['a'], 'value')).toBe(8)
  expect(locate(root, ['a'], 'key')).toBe(5)
  expect(locate(root, ['list'], 'value')).toBe(20)
  expect(locate(root, ['list', 0], 'value')).toBe(30)
  expect(locate(root, ['list', 3], 'value')).toBe(20)
  expect(locate(root, ['list', 0, 'x'], 'value')).toBe(34)
  expect(locate(root, ['list', 0, 'none'], 'value')).toBe(30)
  expect(locate(root, ['a', 'b'], 'value')).toBe(5)
  expect(locate(root, ['none'], 'value')).toBe(5)
})
