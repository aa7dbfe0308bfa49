import { describe, expect, it } from 'vitest'
import { readTarget } from './target.ts'

describe('readTarget', () => {
  it.each([
    ['/mcp', ['mcp'], ''],
    ['/', [''], ''],
    ['/mcp/', ['mcp', ''], ''],
    ['//mcp', ['', 'mcp'], ''],
    ['/mcp/servers/a%20b', ['mcp', 'servers', 'a b'], ''],
    ['/mcp/servers/%C3%A4', ['mcp', 'servers', 'ä'], ''],
    ['/mcp/servers/%2541', ['mcp', 'servers', '%41'], ''],
    ['/messages?sessionId=x&y=/../', ['messages'], 'sessionId=x&y=/../'],
    ['/mcp?', ['mcp'], ''],
    ['/mcp/servers/...', ['mcp', 'servers', '...'], ''],
  ])('reads %s', (target, path, query) => {
    expect(readTarget(target)).toEqual({ path, query })
  })

  it.each([
    '',
    '*',
    'mcp',
    'http://127.0.0.1:7411/mcp',
    'localhost:7411',
    '/mcp#x',
    '/../mcp',
    '/mcp/..',
    '/mcp/./servers/x',
    '/mcp/servers/%2e%2e',
    '/mcp/servers/%2E%2e/x',
    '/mcp/servers/.%2e',
    '/mcp/servers/a%2fb',
    '/mcp/servers/a%5Cb',
    '/mcp/servers/a\\b',
    '/mcp/servers/%00',
    '/mcp/servers/a%0d%0ab',
    '/mcp/servers/%7f',
    '/mcp/servers/%',
    '/mcp/servers/%zz',
    '/mcp/servers/%c3',
  ])('does not read %s', (target) => {
    expect(readTarget(target)).toBeUndefined()
  })
})
