import { describe, expect, it } from 'vitest'
import { toOneLine, withoutLineEnds } from './one-line.ts'

const oneLine = (text: string) => toOneLine(Buffer.from(text))?.toString()

describe('toOneLine', () => {
  it('leaves a line as it is, but for spaces at its end', () => {
    expect(oneLine('{"a": 1.0}')).toBe('{"a": 1.0}')
    expect(oneLine('{"a":1}\r\n \t\n')).toBe('{"a":1}')
    expect(oneLine('')).toBe('')
  })

  it('puts spaces where JSON has line ends between its tokens, and changes nothing else', () => {
    expect(oneLine('{\r\n "a":\n1.0, "b":"\\n\\r" }\n')).toBe('{   "a": 1.0, "b":"\\n\\r" }')
  })

  it.each(['{"a":"x\ny"}', '{"a":"\\\ny"}', '{"a":"\\"\r"}', '{"a\n":1}'])(
    'refuses %j, whose line end stands within a string',
    (text) => {
      expect(oneLine(text)).toBeUndefined()
    },
  )

  it('tells strings from what is between them by quotes and what escapes them', () => {
    expect(oneLine('{"a\\"":"\\\\",\n"b":1}')).toBe('{"a\\"":"\\\\", "b":1}')
  })

  it('leaves whether it is JSON to who reads it', () => {
    expect(oneLine('{"a":1}\n{"b":2}')).toBe('{"a":1} {"b":2}')
  })

  it('takes no time for what nests without end', () => {
    const deep = '['.repeat(8 * 1024 * 1024)
    const began = performance.now()
    expect(toOneLine(Buffer.from(`\n${deep}`))?.length).toBe(deep.length + 1)
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('withoutLineEnds', () => {
  it('puts spaces in their place, and copies only where there are any', () => {
    expect(withoutLineEnds(Buffer.from('a\r\nb')).toString()).toBe('a  b')
    const plain = Buffer.from('ab')
    expect(withoutLineEnds(plain)).toBe(plain)
  })
})
