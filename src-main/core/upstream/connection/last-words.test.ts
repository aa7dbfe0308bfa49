import { describe, expect, it } from 'vitest'
import { LastWords } from './last-words.ts'

function quote(...lines: readonly string[]): string {
  const words = new LastWords()
  for (const line of lines) words.add(Buffer.from(line))
  return words.toQuotation((text) => text.replace('hunter2', '•••'))
}

describe('the last words of a process', () => {
  it('are none when it said none', () => {
    expect(quote()).toBe('')
    expect(quote('', '   ', '\u001b[0m')).toBe('')
  })

  it('are the line that tells what went wrong rather than where', () => {
    const crash = [
      'node:internal/modules/cjs/loader:1210',
      '  throw err;',
      '  ^',
      '',
      "Error: Cannot find module '/x/server.js'",
      '    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)',
      '',
      'Node.js v24.1.0',
    ]
    expect(quote(...crash)).toBe(" (it said: “Error: Cannot find module '/x/server.js'”)")
    expect(
      quote(
        'Traceback (most recent call last):',
        '  File "/x.py", line 1, in <module>',
        "ModuleNotFoundError: No module named 'mcp'",
      ),
    ).toBe(" (it said: “ModuleNotFoundError: No module named 'mcp'”)")
    const npm = [
      'npm error code E404',
      'npm error 404 Not Found - GET x',
      'npm error A complete log of this run can be found in: /y',
    ]
    expect(quote(...npm)).toBe(' (it said: “npm error 404 Not Found - GET x”)')
  })

  it('are the last line where none tells', () => {
    expect(quote('one', 'two')).toBe(' (it said: “two”)')
    expect(quote('    at nowhere')).toBe(' (it said: “at nowhere”)')
  })

  it('carry no controls, no escape sequences, and not too much', () => {
    expect(quote('\u001b[31mred\u001b[0m \u0007and\r more')).toBe(' (it said: “red and more”)')
    expect(quote('x'.repeat(5000))).toBe(` (it said: “${'x'.repeat(200)}…”)`)
  })

  it('show no secret, nor half of one at the cut', () => {
    expect(quote('error: bad key hunter2')).toBe(' (it said: “error: bad key •••”)')
    expect(quote(`error: ${'x'.repeat(190)} hunter2`)).toBe(` (it said: “error: ${'x'.repeat(190)} ••…”)`)
    expect(quote('a\u202eb\u200bc')).toBe(' (it said: “abc”)')
  })

  it('are of the end only', () => {
    expect(quote('error: early', ...Array<string>(30).fill('later'))).toBe(' (it said: “later”)')
  })
})
