import { describe, expect, it } from 'vitest'
import {
  codesOf,
  configOf,
  serverDefaults,
  textsOf,
  textsOfServer,
  toml,
  yaml,
} from '../../../testing/config-texts.ts'

describe('the shape of a server', () => {
  it.each([
    [
      '{ command: x, url: "http://h/" }',
      '20 servers.s.url: This has both a command and a url; expected either a command (a program to run) or a url (an address).',
    ],
    [
      '{ enabled: true }',
      '3 servers.s: This has neither a command nor a url; expected a command (a program to run), a url (an address), or a type.',
    ],
    [
      '{ type: stdio, command: x, headers: {} }',
      '33 servers.s.headers: The key "headers" belongs to type http, sse, websocket, but this is of type stdio, since its type says so.',
    ],
    ['{ type: stdio }', '3 servers.s.command: The key "command" is missing; expected text.'],
    [
      '{ type: htp }',
      '14 servers.s.type: Expected one of stdio, http, sse, websocket, tcp, socket; did you mean "http"?',
    ],
    ['{ type: [1] }', '8 servers.s.type: Expected one of stdio, http, sse, websocket, tcp, socket.'],
    ['npx', '6 servers.s: Expected a group of keys, but this is text.'],
    ['[npx]', '3 servers.s: Expected a group of keys, but this is a list.'],
    ["{ command: '' }", '17 servers.s.command: Expected text that is not empty.'],
    ['{ command: { x: 1 } }', '8 servers.s.command: Expected text, but this is a group of keys.'],
    [
      '{ command: x, args: [a, 1] }',
      '30 servers.s.args[1]: Expected text, but this is a number (quotes make it text).',
    ],
    ['{ command: x, args: y }', '26 servers.s.args: Expected a list of text, but this is text.'],
    [
      '{ command: x, env: { A: true } }',
      '30 servers.s.env.A: Expected text, but this is true or false (quotes make it text).',
    ],
    ['{ command: x, env: { A: } }', '30 servers.s.env.A: Expected text, but this is nothing.'],
    [
      '{ command: x, env: { A=B: c } }',
      '27 servers.s.env["A=B"]: This name cannot be used; expected the name of an environment variable: not empty and without "=".',
    ],
    ['{ command: "x\\0" }', '17 servers.s.command: Expected text without NUL characters.'],
    ['{ command: x, restart: { max: 1.5 } }', '36 servers.s.restart.max: Expected a whole number from 0.'],
    ['{ command: x, restart: { max: -1 } }', '36 servers.s.restart.max: Expected a whole number from 0.'],
    [
      '{ command: x, restart: { max: "1" } }',
      '36 servers.s.restart.max: Expected a whole number from 0, but this is text.',
    ],
    [
      '{ command: x, restart: { delayMs: .inf } }',
      '40 servers.s.restart.delayMs: Expected a number of milliseconds from 0 to 2147483647, but this is no finite number.',
    ],
    [
      '{ command: x, timeouts: { connectSeconds: 0 } }',
      '48 servers.s.timeouts.connectSeconds: Expected a number of seconds above 0 and up to 2147483.',
    ],
    ['{ command: x, enabled: yes }', '29 servers.s.enabled: Expected true or false, but this is text.'],
    [
      '{ command: x, isolation: share }',
      '31 servers.s.isolation: Expected one of auto, shared, session; did you mean "shared"?',
    ],
  ])('%s', (server, wanted) => {
    expect(textsOfServer(server)).toEqual([`/base/c.yaml:3:${wanted}`])
  })

  it('takes a group or list with nothing in it for its default', () => {
    const { servers } = configOf(
      yaml('version: 1\nservers:\n  s:\n    command: x\n    args:\n    env:\n    restart:\n'),
    )
    expect(servers).toEqual([
      { ...serverDefaults, name: 's', transport: { type: 'stdio', command: 'x', args: [], env: {} } },
    ])
  })

  it('says that a date is no text', () => {
    expect(textsOf(toml('version=1\n[servers.a]\ncommand = 1979-05-27'))).toEqual([
      '/base/c.toml:3:11 servers.a.command: Expected text, but this is a date (quotes make it text).',
    ])
  })

  it('bounds maxToolNameLength', () => {
    expect(textsOf(yaml('version: 1\ngateway: { maxToolNameLength: 15 }'))).toEqual([
      '/base/c.yaml:2:31 gateway.maxToolNameLength: Expected a whole number from 16 to 128.',
    ])
    expect(codesOf(yaml('version: 1\ngateway: { maxToolNameLength: 129 }'))).toEqual(['invalid-value'])
  })

  it('reports everything at once, in the order of the file', () => {
    const text = `servers:
  a:
    comand: x
    args: [1]
  b: { command: "\${NONE}", balance: failover }
  A: { command: x }
gateway: { naming: x }
`
    expect(yaml(text)).toMatchObject({
      problems: [
        { line: 1, code: 'missing-key', key: 'version' },
        { line: 3, code: 'unknown-key', key: 'servers.a.comand' },
        { line: 4, code: 'invalid-value', key: 'servers.a.args[0]' },
        { line: 5, code: 'missing-variable', key: 'servers.b.command' },
        { line: 5, code: 'not-built', key: 'servers.b.balance' },
        { line: 6, code: 'duplicate-name', key: 'servers.A' },
        { line: 7, code: 'invalid-value', key: 'gateway.naming' },
      ],
    })
  })
})
