import { describe, expect, it } from 'vitest'
import { toGatewaySettings } from '../../../../testing/gateway-bench.ts'
import { createDoor } from './door.ts'
import { checkRequest, type Verdict } from './guards.ts'

const settings = toGatewaySettings({ allowedOrigins: ['https://app.example'] })
const door = createDoor(settings, 7411)
const free = createDoor({ ...settings, auth: 'none' }, 7411)

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly headers?: readonly string[]
  readonly isFree?: boolean
  readonly waitSeconds?: number
}

const host = ['Host', 'localhost:7411']
const token = ['Authorization', 'Bearer right']

function check({
  method = 'GET',
  target = '/mcp',
  headers = [],
  isFree = false,
  waitSeconds = 0,
}: Sent = {}) {
  const rawHeaders = headers.includes('no host') ? headers.slice(1) : [...host, ...headers]
  return checkRequest({ method, target, rawHeaders }, isFree ? free : door, {
    isRight: (given) => given === 'right',
    onWrong: () => waitSeconds,
  })
}

function toStatus(verdict: Verdict): number | string {
  return verdict.outcome === 'refuse' ? `${verdict.refusal.status} ${verdict.refusal.code}` : verdict.outcome
}

describe('checkRequest', () => {
  it.each<[string, Sent]>([
    ['400 doubled-header', { headers: [...host] }],
    ['400 no-host', { headers: ['no host'] }],
    ['400 bad-target', { target: '*' }],
    ['400 bad-target', { target: 'http://localhost:7411/mcp', headers: token }],
    ['403 foreign-host', { headers: ['no host', 'Host', 'evil.example'] }],
    ['403 foreign-host', { target: '/healthz', headers: ['no host', 'Host', 'evil.example'] }],
    ['403 foreign-origin', { headers: [...token, 'Origin', 'https://evil.example'] }],
    ['403 foreign-origin', { headers: [...token, 'Origin', 'null'] }],
    ['403 foreign-origin', { target: '/healthz', headers: ['Origin', 'null'] }],
    ['403 foreign-origin', { method: 'OPTIONS', headers: ['Origin', 'https://evil.example'] }],
    ['403 foreign-origin', { target: '/sse', headers: ['Sec-Fetch-Site', 'cross-site'], isFree: true }],
    ['403 foreign-origin', { headers: [...token, 'Sec-Fetch-Site', 'same-site'] }],
    ['405 method-not-allowed', { method: 'OPTIONS' }],
    ['405 method-not-allowed', { method: 'OPTIONS', headers: ['Origin', 'https://app.example'] }],
    ['401 no-token', {}],
    ['401 no-token', { target: '/nothing' }],
    ['401 no-token', { target: '/mcp/servers/nothing' }],
    ['401 no-token', { method: 'PUT' }],
    ['401 no-token', { target: '/nothing', isFree: true }],
    ['401 bad-token', { headers: ['Authorization', 'Bearer wrong'] }],
    ['401 bad-token', { headers: ['Authorization', ''] }],
    ['401 bad-token', { headers: ['Authorization', 'Bearer '] }],
    ['401 bad-token', { headers: ['Authorization', 'Bearerright'] }],
    ['401 bad-token', { headers: ['Authorization', 'right'] }],
    ['401 bad-token', { headers: ['Authorization', 'Basic right'] }],
    ['401 bad-token', { headers: ['Authorization', 'Bearer right right'] }],
    ['401 bad-token', { headers: ['Authorization', `Bearer ${' '.repeat(5000)}right`] }],
    ['429 too-many-tries', { headers: ['Authorization', 'Bearer wrong'], waitSeconds: 3 }],
    ['401 no-token', { waitSeconds: 3 }],
    ['404 unknown-path', { target: '/nothing', headers: token }],
    ['404 unknown-path', { target: '/', headers: token }],
    ['404 unknown-path', { target: '/mcp/', headers: token }],
    ['404 unknown-path', { target: '/mcp/servers', headers: token }],
    ['404 unknown-path', { target: '/mcp/nothing', isFree: true }],
    ['404 unknown-profile', { target: '/mcp/profiles/work', headers: token }],
    ['405 method-not-allowed', { method: 'PUT', headers: token }],
    ['405 method-not-allowed', { method: 'HEAD', headers: token }],
    ['405 method-not-allowed', { method: 'POST', target: '/sse', headers: token }],
    ['405 method-not-allowed', { method: 'GET', target: '/messages', headers: token }],
    ['405 method-not-allowed', { method: 'POST', target: '/healthz' }],
    ['pass', { headers: token }],
    ['pass', { headers: ['authorization', 'bearer   right'] }],
    ['pass', { headers: token, waitSeconds: 3 }],
    ['pass', { isFree: true }],
    ['pass', { isFree: true, headers: ['Authorization', 'Bearer wrong'] }],
    ['pass', { headers: [...token, 'Sec-Fetch-Site', 'none'] }],
    ['pass', { headers: [...token, 'Sec-Fetch-Site', 'same-origin'] }],
    ['pass', { headers: [...token, 'Sec-Fetch-Site', 'cross-site', 'Origin', 'https://app.example'] }],
    ['pass', { method: 'DELETE', headers: token }],
    ['pass', { target: '/healthz' }],
    ['pass', { target: '/healthz', method: 'HEAD' }],
    ['pass', { headers: [...token, 'Origin', 'https://app.example'] }],
    ['pass', { headers: [...token, 'Origin', 'http://localhost:7411'] }],
  ])('%s: %j', (outcome, sent) => {
    expect(toStatus(check(sent))).toBe(outcome)
  })

  it.each<[string, object]>([
    ['/mcp', { kind: 'mcp', server: undefined }],
    ['/mcp?x=1', { kind: 'mcp', server: undefined }],
    ['/mcp/servers/files', { kind: 'mcp', server: 'files' }],
    ['/sse', { kind: 'sse', server: undefined }],
    ['/sse/servers/files', { kind: 'sse', server: 'files' }],
    ['/healthz', { kind: 'healthz' }],
  ])('leads %s to where it goes', (target, route) => {
    expect(check({ target, headers: token })).toMatchObject({ outcome: 'pass', route, isWithToken: true })
  })

  it.each([
    ['/messages?sessionId=abc', 'abc'],
    ['/messages', ''],
  ])('finds the session in %s', (target, sessionId) => {
    const verdict = check({ method: 'POST', target, headers: token })
    expect(verdict).toMatchObject({ outcome: 'pass', route: { kind: 'messages', sessionId } })
  })

  it('says how to ask with a token, and whether the one given was wrong', () => {
    const [none, wrong] = [check(), check({ headers: ['Authorization', 'Bearer wrong'] })]
    expect(none).toMatchObject({
      isMcp: true,
      refusal: { headers: ['WWW-Authenticate', 'Bearer realm="Patchbay"'] },
    })
    expect(wrong).toMatchObject({
      refusal: { headers: ['WWW-Authenticate', 'Bearer realm="Patchbay", error="invalid_token"'] },
    })
    const late = check({ headers: ['Authorization', 'Bearer wrong'], waitSeconds: 3 })
    expect(late).toMatchObject({ refusal: { headers: ['Retry-After', '3'] } })
  })

  it('tells the methods of a path', () => {
    expect(check({ method: 'PUT', headers: token })).toMatchObject({
      refusal: { headers: ['Allow', 'POST, GET, DELETE'] },
    })
  })

  it('lets the browser show the answer to a page that may ask, and never to all', () => {
    const origin = ['Origin', 'https://app.example']
    const expected = ['Access-Control-Allow-Origin', 'https://app.example', 'Vary', 'Origin']
    for (const headers of [origin, [...origin, ...token]]) {
      expect(check({ headers }).cors.slice(0, 4)).toEqual(expected)
    }
    expect(check({ headers: token }).cors).toEqual([])
    expect(check({ headers: ['Origin', 'https://evil.example'] }).cors).toEqual([])
  })

  it('answers what a browser asks beforehand without a token', () => {
    const headers = ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'POST']
    const verdict = check({ method: 'OPTIONS', headers })
    expect(verdict.outcome).toBe('preflight')
    const cors = verdict.cors.join('\n')
    for (const name of [
      'GET, POST, DELETE',
      'Authorization',
      'Mcp-Session-Id',
      'Last-Event-ID',
      'Mcp-Name',
    ]) {
      expect(cors).toContain(name)
    }
  })
})
