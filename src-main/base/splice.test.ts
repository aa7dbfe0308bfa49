import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splice } from './splice.ts'

describe('splice', () => {
  const line = Buffer.from('0123456789')
  const toText = (replacements: [number, number, string][]) =>
    Buffer.concat(
      splice(
        line,
        replacements.map(([start, end, bytes]) => ({ span: { start, end }, bytes: Buffer.from(bytes) })),
      ),
    ).toString()

  it('leaves a line without replacements as it is', () => {
    expect(toText([])).toBe('0123456789')
  })

  it('puts several replacements in, whatever their order and length', () => {
    expect(
      toText([
        [7, 9, ''],
        [0, 1, 'first'],
        [3, 3, '+'],
        [9, 10, 'last'],
      ]),
    ).toBe('first12+3456last')
  })

  it('keeps all bytes around the replacements, and copies none of them', () => {
    const cuts = fc.uniqueArray(fc.nat(10), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(cuts, fc.string(), fc.string(), (places, one, two) => {
        const [a = 0, b = 0, c = 0, d = 0] = places.toSorted((x, y) => x - y)
        const text = line.toString()
        const wanted = text.slice(0, a) + one + text.slice(b, c) + two + text.slice(d)
        expect(
          toText([
            [c, d, two],
            [a, b, one],
          ]),
        ).toBe(Buffer.from(wanted).toString())
      }),
    )
    const parts = splice(line, [{ span: { start: 2, end: 4 }, bytes: Buffer.from('x') }])
    expect(parts[0]?.buffer).toBe(line.buffer)
    expect(parts[2]?.buffer).toBe(line.buffer)
  })
})
