import { describe, expect, it, vi } from 'vitest'
import {
  bytesAt,
  errorLine,
  notificationLine,
  parseMessage,
  requestLine,
  resultLine,
  rpcCodes,
} from './json-rpc.ts'
import type { Parts } from './splice.ts'

const text = (parts: Parts) => Buffer.concat(parts).toString()

/** A message with the texts at its spans. */
function read(line: string) {
  const message = parseMessage(Buffer.from(line))
  const parts = Object.entries(message).map(([key, value]: [string, unknown]) => {
    if (key === 'bytes' || typeof value !== 'object' || value === null) return [key, value] as const
    return [key, bytesAt(message.bytes, value as { start: number; end: number }).toString()] as const
  })
  const { bytes, ...rest } = Object.fromEntries(parts)
  expect(bytes).toEqual(Buffer.from(line))
  return rest
}

describe('parseMessage', () => {
  it('reads a request, with or without params, whatever kind its id is', () => {
    expect(read('{"jsonrpc":"2.0","id":1,"method":"a/b","params":{"x":1}}')).toEqual({
      kind: 'request',
      id: '1',
      method: 'a/b',
      params: '{"x":1}',
    })
    expect(read('{"id":"one","method":"m"}')).toEqual({ kind: 'request', id: '"one"', method: 'm' })
    expect(read('{"method":"m","id":-7}')).toEqual({ kind: 'request', id: '-7', method: 'm' })
    expect(read('{"method":"m","id":9007199254740993}')).toMatchObject({ id: '9007199254740993' })
  })

  it('reads a notification as what has a method and no id', () => {
    expect(read('{"method":"m"}')).toEqual({ kind: 'notification', method: 'm' })
    expect(read('{"method":"m","params":[1, 2]}')).toEqual({
      kind: 'notification',
      method: 'm',
      params: '[1, 2]',
    })
  })

  it('reads a response with its result or error', () => {
    expect(read('{"id":1,"result":null}')).toEqual({ kind: 'response', id: '1', result: 'null' })
    expect(read('{"id":"a","error":{"code":1}}')).toEqual({
      kind: 'response',
      id: '"a"',
      error: '{"code":1}',
    })
    expect(read('{"id":1}')).toEqual({ kind: 'response', id: '1' })
  })

  it('reads a response to nobody when its id is null', () => {
    expect(read('{"id":null,"error":{"code":-32700}}')).toEqual({
      kind: 'response',
      error: '{"code":-32700}',
    })
  })

  it.each(['null', 'true', '{}', '[1]'])('refuses a request whose id is %s', (id) => {
    expect(read(`{"id":${id},"method":"m"}`)).toMatchObject({ kind: 'fault', code: rpcCodes.invalidRequest })
  })

  it('refuses an object that is no message', () => {
    expect(read('{"jsonrpc":"2.0"}')).toMatchObject({ kind: 'fault', code: rpcCodes.invalidRequest })
    expect(read('{"result":{}}')).toMatchObject({ kind: 'fault', code: rpcCodes.invalidRequest })
  })

  it('refuses a batch as such', () => {
    expect(read('[{"id":1,"method":"m"}]')).toEqual({
      kind: 'fault',
      code: rpcCodes.invalidRequest,
      reason: 'Batches are not supported here.',
    })
  })

  it.each(['7', '"x"', 'null'])('calls %s an invalid request: JSON, but no message', (line) => {
    expect(read(line)).toMatchObject({ kind: 'fault', code: rpcCodes.invalidRequest })
  })

  it('calls a method that is no string an invalid request, with its id where it has one', () => {
    const fault = read('{"id":1,"method":7}')
    expect(fault).toMatchObject({ kind: 'fault', code: rpcCodes.invalidRequest })
    expect(fault).toHaveProperty('id')
    expect(read('{"method":7}')).not.toHaveProperty('id')
  })

  it('does not parse what is long only to call it by the right name', () => {
    const line = Buffer.from('['.repeat(2 ** 17))
    const parse = vi.spyOn(JSON, 'parse')
    expect(parseMessage(line)).toMatchObject({ kind: 'fault', code: rpcCodes.parseError })
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  it.each(['{"id":"\\q","method":"ping"}', '{"id":"\\u12","result":{}}'])(
    'calls %s a parse error: its id is none',
    (line) => {
      expect(read(line)).toMatchObject({ kind: 'fault', code: rpcCodes.parseError })
    },
  )

  it.each(['', 'nonsense', '{"id":1', '{"id":1}}'])('calls %j a parse error', (line) => {
    const fault = read(line)
    expect(fault).toMatchObject({ kind: 'fault', code: rpcCodes.parseError })
    expect(fault['reason']).toMatch(/JSON/)
  })
})

describe('lines of our own', () => {
  it('carry id and result of a response as the bytes that they are', () => {
    const line = resultLine(Buffer.from('9007199254740993'), Buffer.from('{"n": 1.0 }'))
    expect(text(line)).toBe('{"jsonrpc":"2.0","id":9007199254740993,"result":{"n": 1.0 }}')
  })

  it('carry an error with null for an id that is not known, and data only where there is some', () => {
    expect(text(errorLine(undefined, { code: -32700, message: 'No "JSON".' }))).toBe(
      String.raw`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"No \"JSON\"."}}`,
    )
    expect(text(errorLine(Buffer.from('"a"'), { code: 1, message: 'm', data: { code: 'c' } }))).toBe(
      '{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"m","data":{"code":"c"}}}',
    )
  })

  it('carry requests and notifications that are read back as such', () => {
    expect(read(text(requestLine(3, 'm', { a: 1 })))).toEqual({
      kind: 'request',
      id: '3',
      method: 'm',
      params: '{"a":1}',
    })
    expect(text(requestLine(3, 'm'))).toBe('{"jsonrpc":"2.0","id":3,"method":"m"}')
    expect(read(text(notificationLine('n', {})))).toEqual({
      kind: 'notification',
      method: 'n',
      params: '{}',
    })
    expect(text(notificationLine('n'))).toBe('{"jsonrpc":"2.0","method":"n"}')
  })
})
