import { describe, expect, it } from 'vitest'
import { codesOf, configOf, textsOf, yaml } from '../../../testing/config-texts.ts'

function read(gateway: object, env: Record<string, string> = {}) {
  return yaml(`version: 1\ngateway: ${JSON.stringify(gateway)}\n`, env)
}

describe('the gateway', () => {
  it('is on this computer alone, and wants the token, where nothing is said of it', () => {
    const wanted = {
      host: '127.0.0.1',
      port: 7411,
      auth: 'token',
      naming: 'server__tool',
      maxToolNameLength: 50,
      allowedHosts: [],
      allowedOrigins: [],
    }
    expect(configOf(yaml('version: 1')).gateway).toEqual(wanted)
    expect(configOf(yaml('version: 1\ngateway:\n')).gateway).toEqual(wanted)
  })

  it.each(['127.0.0.1', '127.0.0.2', '::1', '[::1]', 'localhost', '${HOST}'])(
    'may be free of tokens at %s',
    (host) => {
      expect(configOf(read({ host, auth: 'none' }, { HOST: '::1' })).gateway.auth).toBe('none')
    },
  )

  it.each(['0.0.0.0', '::', '[::]', '192.168.0.1', 'example.com', '${HOST}'])(
    'may not be free of tokens at %s',
    (host) => {
      const wanted =
        'Expected token, since other computers can reach this host; none needs a host such as 127.0.0.1.'
      const env = { HOST: '10.0.0.1', AUTH: 'none' }
      for (const auth of ['none', '${AUTH}']) {
        expect(textsOf(read({ host, auth }, env))).toEqual([
          expect.stringMatching(new RegExp(`^/base/c\\.yaml:2:\\d+ gateway\\.auth: ${wanted}$`)),
        ])
      }
      expect(read({ host, auth: 'token' }, env)).toMatchObject({ ok: true })
    },
  )

  it('is at an address or a name, an IPv6 address without its brackets', () => {
    for (const host of [
      '0.0.0.0',
      '::',
      'fe80::1%eth0',
      'my-computer',
      'a.example.com',
      'my_box',
      '7.example',
    ]) {
      expect(configOf(read({ host })).gateway.host).toBe(host)
    }
    expect(configOf(read({ host: '[::1]' })).gateway.host).toBe('::1')
    for (const host of [
      '',
      '*',
      'a b',
      'h/',
      '[localhost]',
      '[127.0.0.1]',
      '127.1',
      '1',
      '0x7f',
      '-a',
      'a..b',
      'h:1',
    ]) {
      expect(codesOf(read({ host }))).toEqual(['invalid-value'])
    }
    expect(codesOf(read({ host: 'a'.repeat(64) }))).toEqual(['invalid-value'])
  })
})

it('takes hosts with or without a port, and nothing else', () => {
  const allowedHosts = ['h', 'h.example.com', 'h:1', 'h:65535', '10.0.0.1:80', '[::1]', '[fe80::1]:7411']
  expect(configOf(read({ allowedHosts })).gateway.allowedHosts).toEqual(allowedHosts)
  for (const host of [
    '',
    '*',
    '*.h',
    'http://h',
    'h/',
    'h:',
    'h:0',
    'h:65536',
    '::1',
    'h:1:2',
    'u@h',
    'h ',
    'null:x',
  ]) {
    expect(codesOf(read({ allowedHosts: [host] }))).toEqual(['invalid-value'])
  }
})

it('takes origins as browsers send them, and every one of a scheme only where pages of the web have another', () => {
  const allowedOrigins = [
    ...['https://h', 'http://h:8080', 'http://[::1]:3000', 'chrome-extension://*', 'moz-extension://a-b-1'],
    ...['vscode-webview://*', 'app://localhost', 'app://h:1'],
  ]
  expect(configOf(read({ allowedOrigins })).gateway.allowedOrigins).toEqual(allowedOrigins)
  for (const origin of [
    ...[
      '',
      '*',
      'null',
      'h',
      'h:80',
      '//h',
      'https://',
      'https://h/',
      'https://h/a',
      'https://h?a',
      'https://*',
    ],
    ...[
      'http://*',
      'HTTPS://h',
      'https://H',
      'https://h:443',
      'https://*.h',
      'https://u@h',
      '*://h',
      'app://*.h',
    ],
    ...['app://h/', 'app://h ', 'null://', 'https://h\nx'],
  ]) {
    expect(codesOf(read({ allowedOrigins: [origin] }))).toEqual(['invalid-value'])
  }
})
