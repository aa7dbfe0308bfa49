import { describe, expect, it } from 'vitest'
import { configOf, serverDefaults, textsOfServer, yaml } from '../../../testing/config-texts.ts'

describe('what is not built', () => {
  it.each([
    ['{ type: websocket, url: "wss://h/mcp", protocols: [mcp] }', 'servers.s.type'],
    ['{ type: tcp, host: h, port: 1, tls: true }', 'servers.s.type'],
    ['{ type: socket, path: /run/x.sock }', 'servers.s.type'],
    ['{ endpoints: [{ url: "http://h/" }] }', 'servers.s.endpoints'],
    ['{ command: x, tools: { newToolsEnabled: false } }', 'servers.s.tools.newToolsEnabled'],
    ['{ command: x, fallbacks: [{ command: y }, { type: tcp, host: h, port: 1 }] }', 'servers.s.fallbacks'],
    ['{ command: x, endpoints: [{ url: "http://h/" }] }', 'servers.s.endpoints'],
    ['{ command: x, balance: failover }', 'servers.s.balance'],
    ['{ command: x, oauth: { clientId: a } }', 'servers.s.oauth'],
    ['{ command: x, env: { A: "${secret:a}" } }', 'servers.s.env.A'],
  ])('is refused: %s', (server, key) => {
    const result = yaml(`version: 1\nservers:\n  s: ${server}\n`)
    const problems = result.ok ? [] : result.problems.filter(({ code }) => code === 'not-built')
    expect(problems).toMatchObject([
      { key, line: 3, message: expect.stringContaining('not built yet') as string },
    ])
  })

  it('is refused: profiles', () => {
    expect(yaml('version: 1\nprofiles: { work: {} }\n')).toMatchObject({
      problems: [{ code: 'not-built', line: 2, key: 'profiles' }],
    })
  })

  it('is accepted where it only restates the default', () => {
    const text = `version: 1
servers:
  s:
    command: x
    tools: { newToolsEnabled: true }
    fallbacks: []
    endpoints: []
    balance: round-robin
profiles: {}
overrides: {}
`
    expect(configOf(yaml(text)).servers).toMatchObject([{ ...serverDefaults, name: 's' }])
  })

  it('is judged all the same', () => {
    expect(textsOfServer('{ command: x, fallbacks: [{ url: nope }, { type: tcp, host: h }] }')).toEqual([
      '/base/c.yaml:3:39 servers.s.fallbacks[0].url: Expected an address like https://example.com/mcp.',
      '/base/c.yaml:3:47 servers.s.fallbacks[1].port: The key "port" is missing; expected a whole number from 1 to 65535.',
    ])
  })
})
