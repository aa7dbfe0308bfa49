import { expect, it } from 'vitest'
import { removeEscapeSequences, replaceControls, shortenQuotations, toQuotation } from './plain-text.ts'

it('takes escape sequences out, and leaves what only begins like one', () => {
  expect(removeEscapeSequences('\u001b[31mred\u001b[0m \u001b[2Jgone \u001b]0;title')).toBe(
    'red gone \u001b]0;title',
  )
})

it('replaces line ends, controls, invisible characters and halves of characters, and no tab', () => {
  expect(replaceControls('a\nb\r\u0000\u001b\u007f\u009f\u2028\u2029', '?')).toBe('a?b???????')
  expect(replaceControls('a\u202eb\u200bc\ud800d', '')).toBe('abcd')
  expect(replaceControls('tab\there, ä, 😀', '?')).toBe('tab\there, ä, 😀')
})

it('is quick with a mebibyte of beginnings', () => {
  const text = '\u001b['.repeat(2 ** 19)
  expect(removeEscapeSequences(text)).toBe(text)
})

it('puts what others say into quotation marks, on one line, and cannot be led out of them', () => {
  expect(toQuotation(' “no”\n\u001b[31m ')).toBe('“"no"  [31m”')
})

it('shortens what is quoted, and nothing else', () => {
  const long = 'x'.repeat(5000)
  expect(shortenQuotations(`a: ${toQuotation(long)} b: “short”`)).toBe(`a: “${'x'.repeat(200)}…” b: “short”`)
  expect(shortenQuotations(`“${'x'.repeat(200)}”`)).toBe(`“${'x'.repeat(200)}”`)
  expect(shortenQuotations(long)).toBe(long)
})
