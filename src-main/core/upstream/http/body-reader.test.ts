import { describe, expect, it } from 'vitest'
import { BodyReader } from './body-reader.ts'

describe('BodyReader', () => {
  it.each([
    [['abc'], 'abc', false],
    [['ab', 'cd', 'e'], 'abcde', false],
    [['abcdef'], 'abcde', true],
    [['abc', 'def', 'g'], 'abcde', true],
    [[], '', false],
  ])('keeps what is wanted of %j', (chunks, kept, isCut) => {
    const body = new BodyReader(5)
    for (const chunk of chunks) body.push(Buffer.from(chunk))
    expect([body.isCut, body.take().toString()]).toEqual([isCut, kept])
    expect(body.take()).toHaveLength(0)
  })
})
