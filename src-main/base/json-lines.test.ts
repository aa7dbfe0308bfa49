import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from './json-lines.ts'

function collect(maxBytes = 1000) {
  const lines: string[] = []
  const tooLong: string[] = []
  const splitter = new LineSplitter({
    maxBytes,
    onLine: (line) => lines.push(line.toString()),
    onTooLong: (first, last) => tooLong.push(`${first.toString()}…${last.toString()}`),
  })
  return { splitter, lines, tooLong }
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''))
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(20)), (wanted, cuts) => {
        const { splitter, lines } = collect()
        let rest = Buffer.from(wanted.map((text) => `${text}\n`).join(''))
        for (const cut of cuts) {
          splitter.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        splitter.push(rest)
        expect(lines).toEqual(wanted.filter((text) => text !== ''))
      }),
    )
  })

  it('takes off a carriage return, passes over empty lines, and gives a last line without an end', () => {
    const { splitter, lines } = collect()
    splitter.push(Buffer.from('a\r\n\r\n\nb'))
    splitter.end()
    splitter.end()
    expect(lines).toEqual(['a', 'b'])
  })

  it('passes over a line that is too long, tells its edges, and goes on with the next', () => {
    const { splitter, lines, tooLong } = collect(4)
    for (const part of ['1234', '56', '789', '\nnext\n', 'last!']) splitter.push(Buffer.from(part))
    splitter.end()
    expect(tooLong).toEqual(['123456…123456789', 'last!…last!'])
    expect(lines).toEqual(['next'])
  })

  it('hands on as much of a line that is too long as is asked for', () => {
    const told: string[] = []
    const splitter = new LineSplitter({
      maxBytes: 3000,
      firstBytes: 2500,
      onLine: (line) => told.push(line.toString()),
      onTooLong: (first, last) => told.push(`${first.length} ${last.length}`),
    })
    for (const part of ['x'.repeat(2000), 'x'.repeat(2000), 'x'.repeat(2000), '\nnext\n'])
      splitter.push(Buffer.from(part))
    expect(told).toEqual(['2500 1024', 'next'])
  })
})
