import { describe, expect, it } from 'vitest'
import { readRequestHead } from './request-head.ts'

describe('readRequestHead', () => {
  it('takes what we look at, whatever the case of its name, and passes over the rest', () => {
    const raw = ['HOST', 'a', 'x-own', '1', 'X-Own', '2', 'mcp-SESSION-id', 's', 'Last-Event-ID', 'get1-2']
    expect(readRequestHead(raw)).toEqual({ host: 'a', sessionId: 's', lastEventId: 'get1-2' })
  })

  it('joins lists', () => {
    const raw = ['Accept', 'text/html', 'accept', '*/*', 'Content-Encoding', 'gzip', 'Content-Encoding', 'br']
    expect(readRequestHead(raw)).toEqual({ accept: 'text/html, */*', contentEncoding: 'gzip, br' })
  })

  it.each([
    'Host',
    'Origin',
    'Authorization',
    'Content-Type',
    'Content-Length',
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'Last-Event-ID',
  ])('takes no second %s, not even the same, nor an empty one', (name) => {
    expect(readRequestHead([name, 'x', name.toLowerCase(), 'x'])).toBe(name.toLowerCase())
    expect(readRequestHead([name, '', name, 'x'])).toBe(name)
  })
})
