import { describe, expect, it } from 'vitest'
import { toGatewaySettings } from '../../../../testing/gateway-bench.ts'
import { createDoor, isOpenToAll, isOurHost, isOurOrigin, toListenAddress, toUrl } from './door.ts'

const open = (changes: Parameters<typeof toGatewaySettings>[0] = {}, port = 7411) =>
  createDoor(toGatewaySettings(changes), port)

describe('isOurHost', () => {
  const named = { host: '192.168.1.5', allowedHosts: ['Box.local', 'proxy.example:8443'] }

  it.each([
    ['localhost', {}],
    ['localhost:7411', {}],
    ['LOCALHOST:7411', {}],
    ['127.0.0.1:7411', {}],
    ['127.0.0.1', {}],
    ['[::1]:7411', {}],
    ['[::1]', {}],
    ['127.0.0.2:7411', { host: '127.0.0.2' }],
    ['[fe80::1]:7411', { host: 'fe80::1' }],
    ['192.168.1.5:7411', named],
    ['box.local', named],
    ['box.local:7411', named],
    ['proxy.example:8443', named],
  ])('knows %s', (host, changes) => {
    expect(isOurHost(open(changes), host)).toBe(true)
  })

  it.each([
    ['', {}],
    ['evil.example', {}],
    ['evil.example:7411', {}],
    ['localhost:80', {}],
    ['localhost:', {}],
    ['localhost.', {}],
    ['localhost:7411:7411', {}],
    ['localhost:07411', {}],
    ['127.0.0.1.evil.example', {}],
    ['127.0.0.2', {}],
    ['127.1', {}],
    ['0x7f.1:7411', {}],
    ['0.0.0.0:7411', { host: '0.0.0.0' }],
    ['[::]:7411', { host: '::' }],
    ['::1', {}],
    ['user@localhost', {}],
    ['localhost, localhost', {}],
    ['localhost:7411/x', {}],
    ['proxy.example', named],
    ['proxy.example:7411', named],
    ['x.box.local', named],
  ])('does not know %j', (host, changes) => {
    expect(isOurHost(open(changes), host)).toBe(false)
  })
})

describe('isOurOrigin', () => {
  const named = {
    allowedHosts: ['box.local', 'proxy.example:8443'],
    allowedOrigins: [
      'https://App.example',
      'http://app.example:8080',
      'chrome-extension://*',
      'https://*',
      'http://*',
    ],
  }

  it.each([
    ['http://localhost:7411', {}],
    ['http://127.0.0.1:7411', {}],
    ['http://[::1]:7411', {}],
    ['http://box.local:7411', named],
    ['http://proxy.example:8443', named],
    ['https://app.example', named],
    ['http://app.example:8080', named],
    ['chrome-extension://abcdefghijklmnop', named],
  ])('knows %s', (origin, changes) => {
    expect(isOurOrigin(open(changes), origin)).toBe(true)
  })

  it('knows pages on the usual port by their name alone', () => {
    expect(isOurOrigin(open({}, 80), 'http://localhost')).toBe(true)
    expect(isOurOrigin(open({}, 80), 'http://localhost:80')).toBe(true)
  })

  it.each([
    ['null', { allowedOrigins: ['null'] }],
    ['', {}],
    ['*', {}],
    ['http://localhost', {}],
    ['https://localhost:7411', {}],
    ['http://localhost:7412', {}],
    ['http://localhost:7411/', {}],
    ['http://localhost:7411.evil.example', {}],
    ['http://evil.example', named],
    ['https://app.example:8443', named],
    ['https://app.example.evil.example', named],
    ['chrome-extension://*', named],
    ['chrome-extension://a/b', named],
    ['chrome-extension://', named],
    ['moz-extension://abc', named],
  ])('does not know %j', (origin, changes) => {
    expect(isOurOrigin(open(changes), origin)).toBe(false)
  })
})

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', 'http://127.0.0.1:7411'],
    ['localhost', '127.0.0.1', 'http://127.0.0.1:7411'],
    ['::1', '::1', 'http://[::1]:7411'],
    ['[::1]', '::1', 'http://[::1]:7411'],
    ['0.0.0.0', '0.0.0.0', 'http://127.0.0.1:7411'],
    ['::', '::', 'http://[::1]:7411'],
    ['box.local', 'box.local', 'http://box.local:7411'],
  ])('of the host %s', (host, address, url) => {
    expect([toListenAddress(host), toUrl(host, 7411)]).toEqual([address, url])
  })

  it.each([
    ['127.0.0.1', 'none', false],
    ['localhost', 'none', false],
    ['0.0.0.0', 'none', true],
    ['192.168.1.5', 'none', true],
    ['0.0.0.0', 'token', false],
  ] as const)('%s with %s is open to all: %s', (host, auth, isOpen) => {
    expect(isOpenToAll({ host, auth })).toBe(isOpen)
  })
})
