import { describe, expect, it } from 'vitest'
import { findProxy, ProxyUnusable } from './proxy.ts'

const proxy = 'http://proxy.example:3128'

describe('the proxy for an address', () => {
  it.each([
    ['http://a.example', { http_proxy: proxy }, proxy],
    ['https://a.example', { http_proxy: proxy }, undefined],
    ['https://a.example', { HTTPS_PROXY: proxy }, proxy],
    ['https://a.example', { all_proxy: proxy, https_proxy: 'http://b' }, 'http://b'],
    ['http://a.example', { all_proxy: 'proxy.example:3128' }, proxy],
    ['http://a.example', { http_proxy: ' ' }, undefined],
    ['http://localhost:8080', { all_proxy: proxy }, undefined],
    ['http://127.0.0.1', { all_proxy: proxy }, undefined],
    ['http://[::1]:9', { all_proxy: proxy }, undefined],
    ['http://a.example', {}, undefined],
  ])('%s with %j is %s', (url, env, found) => {
    expect(findProxy(new URL(url), env)).toBe(found)
  })

  it.each([
    ['http://a.example', 'a.example', true],
    ['http://b.a.example', 'a.example', true],
    ['http://b.a.example', '.A.example', true],
    ['http://b.a.example', '*.a.example', true],
    ['http://ba.example', 'a.example', false],
    ['http://a.example', 'x a.example,,y', true],
    ['http://a.example', 'a.example:80', true],
    ['https://a.example', 'a.example:443', true],
    ['http://a.example:81', 'a.example:80', false],
    ['http://a.example:81', 'a.example', true],
    ['http://a.example', '*', true],
    ['http://a.example', '', false],
    ['http://a.example', '.', false],
  ])('%s with no_proxy %j is reached directly: %s', (url, direct, isDirect) => {
    expect(findProxy(new URL(url), { http_proxy: proxy, NO_PROXY: direct }) === undefined).toBe(isDirect)
  })

  it.each(['socks5://user:hush@a.example', 'not an address', 'http://['])(
    'that cannot be used is told only where it is needed, and not quoted: %s',
    (unusable) => {
      const env = { http_proxy: unusable, no_proxy: 'a.example' }
      expect(findProxy(new URL('http://a.example'), env)).toBeUndefined()
      expect(() => findProxy(new URL('http://b.example'), env)).toThrow(ProxyUnusable)
      expect(() => findProxy(new URL('http://b.example'), env)).not.toThrow(unusable)
    },
  )
})
