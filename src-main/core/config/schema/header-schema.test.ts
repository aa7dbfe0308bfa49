import { describe, expect, it } from 'vitest'
import { configOf, textsOf, yaml } from '../../../testing/config-texts.ts'
import { isReservedHeader } from './header-schema.ts'

function read(headers: object, env: Record<string, string> = {}) {
  return yaml(
    `version: 1\nservers:\n  s:\n    url: http://h/\n    headers: ${JSON.stringify(headers)}\n`,
    env,
  )
}

describe('headers', () => {
  it('may be called and hold whatever HTTP lets them', () => {
    const headers = { "a!#$%&'*+-.^_`|~9": 'Bearer x=\t"ü', Empty: '', Constructor: 'x' }
    expect(configOf(read(headers)).servers[0]?.transport).toMatchObject({ headers })
    expect(configOf(read({ Authorization: 'Bearer ${T}' }, { T: 'x' })).servers[0]?.transport).toMatchObject({
      headers: { Authorization: 'Bearer x' },
    })
  })

  it.each(['', 'a b', 'a:', 'ä', 'a\n', 'a(b)'])('may not be called %j', (name) => {
    expect(textsOf(read({ [name]: 'x' }))).toEqual([
      expect.stringContaining('This name cannot be used; expected the name of a header: letters') as string,
    ])
  })

  it('of the connection and of each message cannot be configured, in any case of letters', () => {
    const names = [
      ...['Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'Content-Type', 'Accept', 'TE'],
      ...['Mcp-Session-Id', 'MCP-Protocol-Version', 'Last-Event-ID', 'Keep-Alive', 'Upgrade', 'Expect'],
    ]
    for (const name of names.flatMap((one) => [one, one.toUpperCase(), one.toLowerCase()])) {
      expect(isReservedHeader(name)).toBe(true)
      expect(textsOf(read({ [name]: 'x' }))).toEqual([
        expect.stringContaining('expected another header, since Patchbay sets this one itself.') as string,
      ])
    }
    expect(['Authorization', 'Cookie', 'X-Host', 'Accept-Language'].some(isReservedHeader)).toBe(false)
  })

  it.each(['a\r\nb', 'a\n', '\r', '\0', '\u007f', '\u001b[2J', 'a\u2028b', '日本'])(
    'may not hold %j',
    (value) => {
      expect(textsOf(read({ A: value }))).toEqual([
        expect.stringMatching(
          /^\/base\/c\.yaml:5:\d+ servers\.s\.headers\.A: Expected text (?:that|without)/,
        ) as string,
      ])
    },
  )

  it('never have their values told', () => {
    const texts = textsOf(read({ A: '${T}', B: 'hush\n', a: '${T}' }, { T: 'hush\r\nX: y' }))
    expect(texts).toHaveLength(4)
    expect(texts.join()).not.toContain('hush')
  })

  it('stand once each', () => {
    expect(textsOf(read({ 'X-A': '1', 'x-a': '2' }))).toEqual([
      '/base/c.yaml:5:31 servers.s.headers.x-a: Expected each header once, whatever the case of its letters.',
    ])
  })
})
