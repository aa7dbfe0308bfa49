import { describe, expect, it } from 'vitest'
import { Conversation, findRequestId, toErrorLine } from './conversation.ts'

const bytes = (text: string) => Buffer.from(text)
const texts = (lines: readonly Buffer[]) => lines.map(String)
const initialize = '{"id":1,"method":"initialize"}'

function converse(...lines: readonly string[]): Conversation {
  const conversation = new Conversation()
  for (const line of lines) conversation.takeFromEditor(bytes(line))
  return conversation
}

describe('Conversation', () => {
  it('replays nothing without a handshake', () => {
    expect(converse('{"id":1,"method":"logging/setLevel"}').toReplay()).toEqual([])
  })

  it('replays the last level and live subscriptions, in place of the first', () => {
    const conversation = converse(
      initialize,
      '{"id":2,"method":"logging/setLevel","params":{"level":"info"}}',
      '{"id":3,"method":"resources/subscribe","params":{"uri":"a/b"}}',
      '{"id":4,"method":"resources/subscribe","params":{"uri":"c"}}',
      '{"id":5,"method":"logging/setLevel","params":{"level":"debug"}}',
      String.raw`{"id":6,"method":"resources/unsubscribe","params":{"uri":"a\/b"}}`,
    )
    for (const id of [1, 2, 3, 4, 5, 6]) conversation.takeFromApp(bytes(`{"id":${id},"result":{}}`))
    expect(conversation.isIdle).toBe(true)
    expect(texts(conversation.toReplay())).toEqual([
      '{"id":"patchbay-shim-1","method":"initialize"}',
      '{"id":"patchbay-shim-2","method":"logging/setLevel","params":{"level":"debug"}}',
      '{"id":"patchbay-shim-3","method":"resources/subscribe","params":{"uri":"c"}}',
    ])
    expect(conversation.takeFromApp(bytes('{"id":"patchbay-shim-2","result":{}}'))).toBe(false)
    expect(conversation.takeFromApp(bytes('{"id":"patchbay-shim-3","error":{}}'))).toBe(false)
  })

  it('forgets what failed', () => {
    const conversation = converse(initialize, '{"id":2,"method":"resources/subscribe","params":{"uri":"a"}}')
    conversation.takeFromApp(bytes('{"id":1,"result":{}}'))
    conversation.takeFromApp(bytes('{"id":2,"error":{}}'))
    expect(conversation.toReplay()).toHaveLength(1)
    const refused = converse(initialize)
    refused.takeFromApp(bytes('{"id":1,"error":{}}'))
    expect(refused.toReplay()).toEqual([])
  })

  it('tells of changes only for what the new session advertises', () => {
    const resume = (result: string) => {
      const conversation = converse(initialize)
      conversation.takeFromApp(bytes('{"id":1,"result":{}}'))
      conversation.toReplay()
      return conversation.takeFromApp(bytes(`{"id":"patchbay-shim-1",${result}}`))
    }
    expect(resume('"result":{"capabilities":{"resources":{}}}')).toEqual({
      changes: [bytes('{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}')],
      refusal: undefined,
    })
    expect(resume('"result":{"capabilities":7}')).toEqual({ changes: [], refusal: undefined })
    expect(resume('"error":{"code":1}')).toEqual({ changes: [], refusal: '{"code":1}' })
  })

  it('tells 1 from "1", and keeps ids as they came', () => {
    const conversation = converse(
      '{"id":1,"method":"a"}',
      '{"id":"1","method":"b"}',
      '{"id":1.0,"method":"c"}',
    )
    conversation.takeFromApp(bytes('{"id":1,"result":{}}'))
    const { toEditor } = conversation.lose()
    expect(texts(toEditor).map((line) => line.slice(0, 25))).toEqual([
      '{"jsonrpc":"2.0","id":"1"',
      '{"jsonrpc":"2.0","id":1.0',
    ])
    expect(conversation.lose().toEditor).toEqual([])
  })

  it('expects no answer to what was cancelled, either way', () => {
    const cancel = bytes('{"method":"notifications/cancelled","params":{"requestId":1}}')
    const conversation = converse('{"id":1,"method":"a"}')
    conversation.takeFromApp(bytes('{"id":1,"method":"ask"}'))
    expect(conversation.takeFromApp(cancel)).toBe(true)
    expect(conversation.takeFromEditor(bytes('{"id":1,"result":{}}'))).toBe(false)
    conversation.takeFromEditor(cancel)
    expect(conversation.lose().toEditor).toEqual([])
  })

  it('hands an unanswered handshake back, and replays none', () => {
    const conversation = converse(initialize)
    expect(String(conversation.lose().again)).toBe(initialize)
    expect(conversation.toReplay()).toEqual([])
  })

  it.each([
    'nonsense',
    '[]',
    '{"id":"\\x","method":"a"}',
    '{"id":1,"method":"notifications/cancelled","params":{1}}',
  ])('passes %s on', (line) => {
    expect(new Conversation().takeFromEditor(bytes(line))).toBe(true)
    expect(new Conversation().takeFromApp(bytes(line))).toBe(true)
  })
})

describe('findRequestId', () => {
  it('finds ids of requests alone', () => {
    expect(String(findRequestId(bytes('{"id": "a" ,"method":"b"}')))).toBe('"a"')
    expect(findRequestId(bytes('{"id":1,"result":{}}'))).toBeUndefined()
    expect(findRequestId(bytes('nonsense'))).toBeUndefined()
  })
})

describe('toErrorLine', () => {
  it('escapes what it says', () => {
    const line: unknown = JSON.parse(toErrorLine(bytes('"a"'), 'a "b"\n', 'c').toString())
    expect(line).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      error: { code: -32000, message: 'a "b"\n', data: { code: 'c' } },
    })
  })
})
