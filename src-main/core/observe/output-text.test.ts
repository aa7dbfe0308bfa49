import { describe, expect, it } from 'vitest'
import { maxLineBytes, toOutputText } from './output-text.ts'

describe('toOutputText', () => {
  it.each([
    ['plain text', 'plain ä 漢 😀 text\twith a tab', 'plain ä 漢 😀 text\twith a tab'],
    ['colours', '\u001b[1;31mred\u001b[0m and \u001b[38;2;1;2;3mmore\u001b[K', 'red and more'],
    ['cursor moves', 'a\u001b[2J\u001b[10;20Hb\u001b[?25l', 'ab'],
    ['other controls', 'a\rb\u0000c\u0007d\u009be\u2028f\u007f', 'a�b�c�d�e�f�'],
    ['a title of the terminal', '\u001b]0;mine\u0007text', '�]0;mine�text'],
    ['half an escape sequence', '\u001b[31', '�[31'],
  ])('%s', (...[, raw, text]) => {
    expect(toOutputText(Buffer.from(raw))).toBe(text)
  })

  it('replaces what is no UTF-8', () => {
    expect(toOutputText(Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]))).toBe('a�b�')
  })

  it('cuts at 64 KiB and says so, never through a character', () => {
    expect(toOutputText(Buffer.from('x'.repeat(maxLineBytes - 1)))).toBe('x'.repeat(maxLineBytes - 1))
    expect(toOutputText(Buffer.from('x'.repeat(maxLineBytes)))).toBe(`${'x'.repeat(maxLineBytes)}…`)
    const text = toOutputText(Buffer.from('é'.repeat(maxLineBytes).slice(1).padStart(maxLineBytes, 'x')))
    expect(text).toBe(`x${'é'.repeat(maxLineBytes / 2 - 1)}…`)
  })

  it('is quick with long lines of half escape sequences', () => {
    const start = performance.now()
    for (const text of ['\u001b[', '\u001b[0', '\u001b[ ', '\u001b'])
      toOutputText(Buffer.from(text.repeat(maxLineBytes)))
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
