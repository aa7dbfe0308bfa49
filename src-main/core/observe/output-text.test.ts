import { describe, expect, it } from 'vitest'
import { readLineBytes, toOutputText } from './output-text.ts'

const maxLineBytes = 64 * 1024
const keep = (text: string): string => text

describe('toOutputText', () => {
  it.each([
    ['plain text', 'plain ä 漢 😀 text\twith a tab', 'plain ä 漢 😀 text\twith a tab'],
    ['colours', '\u001b[1;31mred\u001b[0m and \u001b[38;2;1;2;3mmore\u001b[K', 'red and more'],
    ['cursor moves', 'a\u001b[2J\u001b[10;20Hb\u001b[?25l', 'ab'],
    ['other controls', 'a\rb\u0000c\u0007d\u009be\u2028f\u007f', 'a�b�c�d�e�f�'],
    ['invisible characters', 'a\u202eb\u200bc\u2066d\ufeffe', 'a�b�c�d�e'],
    ['a title of the terminal', '\u001b]0;mine\u0007text', '�]0;mine�text'],
    ['half an escape sequence', '\u001b[31', '�[31'],
  ])('%s', (...[, raw, text]) => {
    expect(toOutputText(Buffer.from(raw), keep)).toBe(text)
  })

  it('replaces what is no UTF-8', () => {
    expect(toOutputText(Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]), keep)).toBe('a�b�')
  })

  it('cuts at 64 KiB and says so, never through a character', () => {
    const cut = (text: string): string => toOutputText(Buffer.from(text), keep)
    expect(cut('x'.repeat(maxLineBytes))).toBe('x'.repeat(maxLineBytes))
    expect(cut('x'.repeat(maxLineBytes + 1))).toBe(`${'x'.repeat(maxLineBytes)}…`)
    expect(cut('x'.repeat(10 * maxLineBytes))).toBe(`${'x'.repeat(maxLineBytes)}…`)
    const text = cut('é'.repeat(maxLineBytes).slice(1).padStart(maxLineBytes, 'x'))
    expect(text).toBe(`x${'é'.repeat(maxLineBytes / 2 - 1)}…`)
  })

  it('cuts what is too long only with its secrets masked', () => {
    const redact = (text: string): string => text.replaceAll('hunter2own-secret', '•')
    const start = 'x'.repeat(maxLineBytes - 10)
    expect(toOutputText(Buffer.from(`${start}hunter2own-secret${'z'.repeat(100)}`), redact)).toMatch(
      /^x{60000,}•?z*…$/,
    )
    expect(toOutputText(Buffer.from('hunter2'.repeat(maxLineBytes)), (text) => `${text}more`)).toMatch(/…$/)
  })

  it('never shows half a secret where the reader has cut, even when much is masked before it', () => {
    const redact = (text: string): string => text.replaceAll('hunter2own-secret', '•')
    const start = 'hunter2own-secret '.repeat(4000)
    const half = start.padEnd(readLineBytes - 11, 'z')
    const text = toOutputText(Buffer.from(`${half}hunter2own-secret`), redact)
    expect(text).not.toContain('hunter2')
    expect(text).toMatch(/^• .*…$/)
  })

  it('is quick with long lines of half escape sequences', () => {
    const start = performance.now()
    for (const text of ['\u001b[', '\u001b[0', '\u001b[ ', '\u001b'])
      toOutputText(Buffer.from(text.repeat(maxLineBytes)), keep)
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
