import { expect, it } from 'vitest'
import { NameGiver } from './names.ts'

it.each([
  ['files', 'files'],
  ['my server_v2.0', 'my-server-v2-0'],
  ['@scope/name!', 'scope-name'],
  ['日本語', 'server'],
  ['', 'server'],
  ['---', 'server'],
  ['__proto__', 'server'],
  ['a'.repeat(40), 'a'.repeat(31)],
  [`${'a'.repeat(30)} b`, 'a'.repeat(30)],
])('%j becomes %s', (wanted, name) => {
  expect(new NameGiver([]).give(wanted)).toBe(name)
})

it('gives no name twice, whatever the case and length', () => {
  const long = 'b'.repeat(31)
  const names = new NameGiver(['Files', long])
  expect(['files', 'FILES', 'files-2', long].map((name) => names.give(name))).toEqual([
    'files-2',
    'FILES-3',
    'files-2-2',
    `${'b'.repeat(29)}-2`,
  ])
})
