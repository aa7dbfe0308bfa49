import { describe, expect, it } from 'vitest'
import { findAnsweredId, findQuestionId } from './json-edges.ts'

describe('findAnsweredId', () => {
  const find = (first: string, last = '') => findAnsweredId(Buffer.from(first), Buffer.from(last))

  it('finds the id of an answer at its start or at its end', () => {
    expect(find('{"jsonrpc":"2.0","id":5,"result":{"a')).toBe(5)
    expect(find('{ "id" : 6 , "error":{')).toBe(6)
    expect(find('{"result":{"content":[', 'x"}]},"jsonrpc":"2.0","id":7}')).toBe(7)
    expect(find('{"result":{"content":[', 'x"}]},"id":8,"jsonrpc":"2.0"}')).toBe(8)
  })

  it('finds none in a question, nor where it stands elsewhere', () => {
    expect(find('{"jsonrpc":"2.0","id":5,"method":"m"')).toBeUndefined()
    expect(find('{"method":"m","params":{', '},"id":5}')).toBeUndefined()
    expect(find('{"result":{', '"id":5}}')).toBeUndefined()
  })
})

describe('findQuestionId', () => {
  it('finds the id of a request at its start, as it was written', () => {
    expect(findQuestionId(Buffer.from('{"jsonrpc":"2.0","id":"a","method":"m"'))?.toString()).toBe('"a"')
    expect(findQuestionId(Buffer.from('{"id":5,"method":"m"'))?.toString()).toBe('5')
    expect(findQuestionId(Buffer.from('{"id":5,"result":{'))).toBeUndefined()
  })
})
