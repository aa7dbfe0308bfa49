// Who gets in over HTTP: attempts as bytes, each with the status it comes to, and the token in no answer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawHttp, type Attempt } from '../clients/raw-http.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { endWithoutLeak } from '../hosts/token-leak.ts'

let app: Headless
let http: RawHttp

beforeAll(async () => {
  app = await startHeadless({
    config: {
      servers: { echo: toServerEntry('echo.ts') },
      gateway: {
        allowedOrigins: ['https://app.example', 'chrome-extension://*'],
        allowedHosts: ['box.local'],
      },
    },
    args: ['--port', '0'],
  })
  http = new RawHttp(app.ready.url!, () => app.token)
})

afterAll(() => endWithoutLeak(app, http))

describe('without the right token', () => {
  it.each<[string, Attempt]>([
    ['none', {}],
    ['none, for a path that is not there', { target: '/nothing' }],
    ['none, for a server that is not there', { target: '/mcp/servers/nothing' }],
    ['none, for the REST interface', { target: '/api/servers' }],
    ['none, with a method that nothing knows', { method: 'PATCH' }],
    ['an empty one', { headers: ['Authorization: Bearer '] }],
    ['an empty header', { headers: ['Authorization:'] }],
    ['“null”', { headers: ['Authorization: Bearer null'] }],
    ['“undefined”', { headers: ['Authorization: Bearer undefined'] }],
    ['a wrong one', { headers: [`Authorization: Bearer ${'x'.repeat(43)}`] }],
    ['a huge one', { headers: [`Authorization: Bearer ${'x'.repeat(8000)}`] }],
    ['one of another scheme', { headers: ['Authorization: Basic dXNlcjpwYXNz'] }],
    ['one in the query', { target: '/mcp?token=x&access_token=x' }],
    ['one in a cookie', { headers: ['Cookie: token=x'] }],
  ])('nothing is to be had: %s', async (...[, given]) => {
    const { status, text } = await http.attempt(given)
    expect(status).toBe(401)
    expect(text).toMatch(/\r\nWWW-Authenticate: Bearer realm="Patchbay"/)
    expect(text).not.toContain('echo')
  })

  it('nothing is to be had by half of the right one, nor by more than it', async () => {
    const { token } = app
    for (const wrong of [token.slice(0, -1), `${token}x`, ` ${token} x`, token.toUpperCase()]) {
      const { status } = await http.attempt({ headers: [`Authorization: Bearer ${wrong}`] })
      expect(status).toBe(401)
    }
  })

  it('healthz alone answers, with nothing of interest', async () => {
    const { status, text } = await http.attempt({ target: '/healthz' })
    expect(status).toBe(200)
    expect(text.split('\r\n\r\n')[1]).toBe('{"status":"ok"}')
  })
})

describe('a request for somebody else', () => {
  it.each<[string, string]>([
    ['a name of somebody else', 'evil.example'],
    ['a name that leads here now, with our port', 'rebind.evil.example:7411'],
    ['a name that begins as ours', 'localhost.evil.example'],
    ['another address of this computer', '127.0.0.2'],
    ['all addresses', '0.0.0.0'],
    ['another port', 'localhost:1'],
    ['a name with a dot at its end', 'localhost.'],
    ['a name with credentials', 'user@localhost'],
    ['nothing', ''],
  ])('is refused, with the token and for healthz too: %s', async (...[, host]) => {
    for (const target of ['/mcp', '/healthz']) {
      const { status } = await http.attempt({ target, headers: [`Host: ${host}`], isWithToken: true })
      expect(status).toBe(403)
    }
  })

  it.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST', 'box.local'])(
    'is for us by the name %s, with our port or none',
    async (name) => {
      const port = new URL(app.ready.url!).port
      for (const host of [name, `${name}:${port}`]) {
        expect((await http.attempt({ target: '/healthz', headers: [`Host: ${host}`] })).status).toBe(200)
      }
    },
  )

  it.each<[string, readonly string[]]>([
    ['two of them', ['Host: localhost', 'Host: localhost']],
    ['two of them, one foreign', ['Host: localhost', 'Host: evil.example']],
    ['none', ['no host']],
  ])('is refused where its Host tells nothing: %s', async (...[, headers]) => {
    expect((await http.attempt({ headers, isWithToken: true })).status).toBe(400)
  })

  it.each([
    'http://localhost/mcp',
    'http://evil.example/mcp',
    '*',
    '/mcp/servers/../servers/echo',
    '/mcp/servers/%2e%2e/echo',
    '/mcp/servers/%2e%2e%2fecho',
    '/mcp/servers/..%5cecho',
    '/mcp/servers/echo%00',
    '/mcp/servers/%0d%0aSet-Cookie:x',
    '/mcp/servers/%zz',
    '/../../etc/passwd',
  ])('is refused where its path is none: %s', async (target) => {
    expect((await http.attempt({ target, isWithToken: true })).status).toBe(400)
  })

  it.each([
    '/mcp/servers/nothing',
    '/mcp/servers/echo/',
    '/mcp/servers/',
    '/mcp/profiles/work',
    '//mcp',
    '/MCP',
  ])('finds nothing at %s', async (target) => {
    expect((await http.attempt({ target, isWithToken: true })).status).toBe(404)
  })
})

describe('a page of another origin', () => {
  it.each([
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
    'http://localhost:1',
    'file://',
    'chrome-extension://a/b',
    '*',
  ])('is refused, with the token and for healthz too: %s', async (origin) => {
    for (const target of ['/mcp', '/healthz']) {
      const { status, text } = await http.attempt({
        target,
        headers: [`Origin: ${origin}`],
        isWithToken: true,
      })
      expect(status).toBe(403)
      expect(text).not.toContain('Access-Control-Allow-Origin')
    }
  })

  it('cannot even ask beforehand, and two origins are none', async () => {
    const asking = ['Origin: https://evil.example', 'Access-Control-Request-Method: POST']
    expect((await http.attempt({ method: 'OPTIONS', headers: asking })).status).toBe(403)
    const two = ['Origin: https://app.example', 'Origin: https://app.example']
    expect((await http.attempt({ headers: two, isWithToken: true })).status).toBe(400)
  })

  it.each(['https://app.example', 'chrome-extension://abcdefgh'])(
    'may ask when it is allowed, and needs the token for all else: %s',
    async (origin) => {
      const asking = [`Origin: ${origin}`, 'Access-Control-Request-Method: POST']
      const asked = await http.attempt({ method: 'OPTIONS', headers: asking })
      expect(asked.status).toBe(204)
      expect(asked.text).toContain(`\r\nAccess-Control-Allow-Origin: ${origin}\r\n`)
      expect((await http.attempt({ headers: [`Origin: ${origin}`] })).status).toBe(401)
      expect((await http.post({ headers: [`Origin: ${origin}`] })).status).toBe(200)
    },
  )
})

describe('a method', () => {
  it.each(['PUT', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND'])(
    'that a path does not know is told the ones it does: %s',
    async (method) => {
      const { status, text } = await http.attempt({ method, isWithToken: true })
      expect(status).toBe(405)
      expect(text).toContain('\r\nAllow: POST, GET, DELETE\r\n')
    },
  )

  it('that asks for a tunnel gets none', async () => {
    expect(
      (await http.attempt({ method: 'CONNECT', target: 'evil.example:443', isWithToken: true })).text,
    ).toBe('')
  })

  it('that is none at all is refused', async () => {
    expect((await http.attempt({ method: 'GETT', isWithToken: true })).status).toBe(400)
  })
})
