// Bodies and headers that are not what they should be, as bytes: what they come to, and that nothing is smuggled in by them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initialize, RawHttp, type Attempt } from '../clients/raw-http.ts'
import { time } from '../clients/views.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { endWithoutLeak } from '../hosts/token-leak.ts'

const bodyBytes = 100_000

let app: Headless
let http: RawHttp

beforeAll(async () => {
  app = await startHeadless({
    config: {
      servers: { echo: toServerEntry('echo.ts') },
      limits: { bodyBytes },
    },
    args: ['--port', '0'],
  })
  http = new RawHttp(app.ready.url!, () => app.token)
})

afterAll(() => endWithoutLeak(app, http))

describe('a body', () => {
  it.each<[string, Attempt, number]>([
    ['that is too large, as it says', { headers: [`Content-Length: ${bodyBytes + 1}`], body: 'x' }, 413],
    ['that is too large, in the end', { body: 'x'.repeat(bodyBytes + 1) }, 413],
    [
      'that is too large, in chunks',
      { headers: ['Transfer-Encoding: chunked'], body: `1ffff\r\n${'x'.repeat(0x1ffff)}\r\n0\r\n\r\n` },
      413,
    ],
    ['that is no JSON', { body: '{"jsonrpc":"2.0",' }, 400],
    ['that is empty', { body: '' }, 400],
    ['that is no message', { body: '[1]' }, 400],
    ['that is JSON of UTF-16', { headers: ['Content-Type: application/json; charset=utf-16'] }, 400],
    ['that is packed', { headers: ['Content-Encoding: gzip'] }, 415],
    ['that is two messages in two lines', { body: `${initialize}\n${initialize}` }, 400],
  ])('%s is refused', async (...[, given, status]) => {
    expect((await http.post(given)).status).toBe(status)
  })

  it('of another type is refused', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = [`Content-Type: ${type}`, `Content-Length: ${initialize.length}`]
      const given = { method: 'POST', isWithToken: true, headers, body: initialize }
      expect((await http.attempt(given)).status).toBe(415)
    }
  })

  it('is not read where its sender may not come in', async () => {
    const headers = ['Content-Type: application/json', 'Content-Length: 50000000']
    const { took, value } = await time(() => http.attempt({ method: 'POST', headers, body: 'x' }))
    expect(value.status).toBe(401)
    expect(took).toBeLessThan(5000)
  })
})

describe('headers that say two things', () => {
  it.each<[string, readonly string[], string]>([
    ['both a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'xxxxxx'],
    ['two equal lengths', ['Content-Length: 5', 'Content-Length: 5'], 'xxxxx'],
    ['a length that is none', ['Content-Length: 5x'], 'xxxxx'],
    ['a negative length', ['Content-Length: -5'], 'xxxxx'],
    ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a folded line', ['X-Own: a\r\n b'], ''],
    ['a bare line feed', ['X-Own: a\nX-Other: b'], ''],
    ['a bare carriage return', ['X-Own: a\rX-Other: b'], ''],
    ['a NUL', ['X-Own: a\0b'], ''],
    ['a space before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['two tokens', ['Authorization: Bearer x'], ''],
    ['two sessions', ['Mcp-Session-Id: a', 'Mcp-Session-Id: b'], ''],
    ['two revisions', ['MCP-Protocol-Version: 2025-11-25', 'MCP-Protocol-Version: 2025-11-25'], ''],
    ['two types', ['Content-Type: application/json', 'Content-Type: application/json'], ''],
  ])('are refused, and nothing after them is taken for a request: %s', async (...[, headers, body]) => {
    const smuggled = http.toBytes({ target: '/healthz' })
    const given = { method: 'POST', isWithToken: true, headers, body }
    const { status, statuses } = await http.send(http.toBytes(given) + smuggled)
    expect(status).toBe(400)
    expect(statuses).toEqual([400])
  })

  it('about where a body ends, in a way that nobody knows, cut the connection', async () => {
    const given = { method: 'POST', isWithToken: true, headers: ['Transfer-Encoding: xchunked'] }
    const { statuses } = await http.send(http.toBytes(given) + http.toBytes({ target: '/healthz' }))
    expect(statuses).not.toContain(200)
  })

  it('and are too long are refused', async () => {
    expect(
      (await http.attempt({ headers: [`X-Own: ${'x'.repeat(20_000)}`], isWithToken: true })).status,
    ).toBe(431)
  })
})
