import { describe, expect, it } from 'vitest'
import { toOneLine } from './body.ts'

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

  it.each(['{"a":"x\ny"}', '{"a":1}\n{"b":2}', '{"a":\n}'])('refuses %j, which is no JSON', (text) => {
    expect(oneLine(text)).toBeUndefined()
  })
})
