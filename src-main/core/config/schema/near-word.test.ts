import { expect, it } from 'vitest'
import { findNearWord } from './near-word.ts'

const words = ['command', 'args', 'env', 'cwd', 'enabled', 'servers', 'url', 'maxDelayMs']

it.each([
  ['comand', 'command'],
  ['commnad', 'command'],
  ['Command', 'command'],
  ['arg', 'args'],
  ['mcpServers', 'servers'],
  ['max_delay_ms', 'maxDelayMs'],
  ['uri', 'url'],
  ['enable', 'enabled'],
])('takes %s for %s', (word, wanted) => {
  expect(findNearWord(word, words)).toBe(wanted)
})

it.each(['x', 'transport', '', 'constructor', 'foo'])('takes %s for nothing', (word) => {
  expect(findNearWord(word, words)).toBeUndefined()
})
