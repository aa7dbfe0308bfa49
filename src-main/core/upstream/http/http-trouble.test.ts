import { describe, expect, it } from 'vitest'
import type { HttpResponse } from './http-client.ts'
import {
  isSessionForgotten,
  toFormTrouble,
  toLines,
  toMediaType,
  toNetworkTrouble,
  toStatusTrouble,
  toWaitMs,
} from './http-trouble.ts'

function response(status: number, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, header: (name) => headers[name] }
}

function failure(code: string, message = 'x'): Error {
  return Object.assign(new Error(message), { code })
}

describe('what an error of the connection means', () => {
  it.each([
    ['ECONNREFUSED', 'unreachable', 'refused'],
    ['ENOTFOUND', 'unreachable', 'refused'],
    ['EAI_AGAIN', 'unreachable', 'refused'],
    ['EHOSTUNREACH', 'unreachable', 'failed'],
    ['ENETUNREACH', 'unreachable', 'failed'],
    ['UND_ERR_CONNECT_TIMEOUT', 'unreachable', 'refused'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'refused', 'refused'],
    ['CERT_HAS_EXPIRED', 'refused', 'refused'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'refused', 'refused'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'refused', 'refused'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'refused', 'refused'],
    ['HPE_INVALID_CONSTANT', 'lost', 'failed'],
    ['UND_ERR_HEADERS_TIMEOUT', 'lost', 'failed'],
    ['ECONNRESET', 'lost', 'failed'],
    ['UND_ERR_SOCKET', 'lost', 'failed'],
    ['UND_ERR_HEADERS_OVERFLOW', 'lost', 'failed'],
    ['UND_ERR_INVALID_ARG', 'refused', 'refused'],
  ])('%s: the server is %s, the request %s', (code, kind, request) => {
    expect(toNetworkTrouble(failure(code))).toMatchObject({ kind, failure: request })
    expect(toNetworkTrouble(new Error('x', { cause: failure(code) }))).toMatchObject({ kind })
    expect(toNetworkTrouble(new AggregateError([failure(code)]))).toMatchObject({ kind })
  })

  it.each(['EHOSTUNREACH', 'ENETUNREACH'])('%s while it connects has left the request untouched', (code) => {
    const error = Object.assign(failure(code), { syscall: 'connect' })
    expect(toNetworkTrouble(new Error('x', { cause: error })).failure).toBe('refused')
    expect(toNetworkTrouble(Object.assign(failure(code), { syscall: 'read' })).failure).toBe('failed')
  })

  it('names the error where it has no code', () => {
    expect(toNetworkTrouble(new TypeError('x')).reason).toBe('the connection was cut (TypeError)')
  })
})

describe('what a status means', () => {
  it.each([
    [400, 'refused', 'failed'],
    [401, 'refused', 'refused'],
    [403, 'refused', 'refused'],
    [404, 'refused', 'refused'],
    [408, 'unreachable', 'failed'],
    [409, 'refused', 'failed'],
    [413, 'refused', 'refused'],
    [415, 'refused', 'refused'],
    [422, 'refused', 'failed'],
    [425, 'unreachable', 'refused'],
    [429, 'unreachable', 'refused'],
    [500, 'unreachable', 'failed'],
    [501, 'refused', 'refused'],
    [503, 'unreachable', 'failed'],
    [505, 'refused', 'refused'],
    [599, 'unreachable', 'failed'],
  ])('%i: the server is %s, the request %s', (status, kind, request) => {
    const trouble = toStatusTrouble(response(status), Buffer.alloc(0))
    expect(trouble).toMatchObject({ kind, failure: request })
    expect(trouble.reason).toContain(`(HTTP ${status})`)
  })

  it.each([
    ['{"jsonrpc":"2.0","error":{"code":-32000,"message":"no such thing"},"id":null}', ': “no such thing”'],
    ['{"error":"invalid_token","error_description":"it is old"}', ': “it is old”'],
    ['{"error":"invalid_token"}', ': “invalid_token”'],
    ['{"detail":"gone"}', ': “gone”'],
    ['{"error":{"message":"a\\u0007\\u001b[31mb\\u202ec"}}', ': “a  [31mb c”'],
    ['{"message":"  "}', ''],
    ['<html>', ''],
    ['[1]', ''],
    ['', ''],
    [`{"message":"${'x'.repeat(5000)}"}`, `: “${'x'.repeat(4096)}”`],
  ])('quotes what the server says, without control characters: %s', (body, said) => {
    const { reason } = toStatusTrouble(response(400), Buffer.from(body))
    expect(reason).toBe(`it refuses the request (HTTP 400${said})`)
  })

  it.each([
    [400, true],
    [401, undefined],
    [403, undefined],
    [404, undefined],
    [429, true],
    [500, undefined],
  ])('%i is a sign that the server serves us: %s', (status, isOfServer) => {
    expect(toStatusTrouble(response(status), Buffer.alloc(0)).isOfServer).toBe(isOfServer)
  })

  it('says how long the server wants to be left alone', () => {
    const trouble = toStatusTrouble(response(429, { 'retry-after': '7' }), Buffer.alloc(0))
    expect(trouble.retryAfterMs).toBe(7000)
    expect(trouble.reason).toContain('; it asks to be left alone for 7 s')
  })

  it.each([
    ['5', 5000],
    [' 5 ', 5000],
    ['99999999', 3_600_000],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('takes Retry-After %s as %s ms', (text, wait) => {
    expect(toWaitMs(text, 10_000)).toBe(wait)
  })

  it.each([
    [404, '', false, true],
    [404, '{"error":{"message":"Method not found"}}', true, false],
    [404, '{"error":{"message":"Session not found"}}', true, true],
    [404, '{"error":{"message":"Session not found in the browser"}}', true, false],
    [400, '{"error":{"message":"Session not found"}}', true, false],
    [400, '{"error":{"message":"Bad Request: No valid session ID provided"}}', false, true],
    [400, '{"error":{"message":"Bad Request: Server not initialized"}}', false, true],
    [400, '{"error":{"message":"Invalid session ID"}}', false, true],
    [400, '{"error":{"message":"Session has expired."}}', false, true],
    [400, '{"error":{"message":"Payment made, but the browser session b1 is unknown"}}', false, false],
    [400, '{"error":{"message":"Invalid session of the shop: b1"}}', false, false],
    [400, '{"error":{"message":"Bad Request"}}', false, false],
    [401, '{"error":{"message":"session"}}', false, false],
  ])('%i with %s: answer %s, session forgotten %s', (status, body, isAnswer, isForgotten) => {
    expect(isSessionForgotten(status, Buffer.from(body), isAnswer)).toBe(isForgotten)
  })
})

describe('an answer in another form', () => {
  it.each([
    [
      'text/html; charset=utf-8',
      'it answered with text/html in place of JSON (HTTP 200); is this the address of an MCP server?',
    ],
    ['', 'it answered without saying what it is in place of JSON (HTTP 200)'],
    ['a\u001b[31m/b', 'it answered with a\ufffd[31m/b in place of JSON (HTTP 200)'],
    ['x'.repeat(500), `it answered with ${'x'.repeat(60)} in place of JSON (HTTP 200)`],
  ])('is told: %s', (type, reason) => {
    expect(toFormTrouble(response(200, { 'content-type': type })).reason).toBe(reason)
  })

  it('has a media type without parameters', () => {
    expect([undefined, 'Text/HTML ; a=b', 'application/json'].map(toMediaType)).toEqual([
      '',
      'text/html',
      'application/json',
    ])
  })
})

describe('the messages of a body', () => {
  it.each([
    ['{"a":1}', ['{"a":1}']],
    ['{\r\n  "a": 1\n}\r\n', ['{    "a": 1 }']],
    ['\ufeff {"a":1} ', ['{"a":1}']],
    ['[{"a":1},\n {"b":[2]}]', ['{"a":1}', '{"b":[2]}']],
    ['[]', []],
    ['', []],
    [' \r\n\t', []],
    ['[{"a":1', ['[{"a":1']],
    ['not JSON\nat all', ['not JSON at all']],
  ])('%j', (text, lines) => {
    expect(toLines(Buffer.from(text)).map(String)).toEqual(lines)
  })
})
