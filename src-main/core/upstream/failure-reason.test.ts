import { expect, it } from 'vitest'
import { OpeningTimedOut } from './connection/handshake.ts'
import type { HttpTransport, StdioTransport } from '../config/config.ts'
import { toFailureKind, toFailureReason } from './failure-reason.ts'

const program = (command: string): StdioTransport => ({ type: 'stdio', command, args: [], env: {} })
const address: HttpTransport = { type: 'http', url: 'https://example.com/mcp', headers: {} }

it('is what the error says', () => {
  expect(toFailureReason(new Error('it broke'), program('npx'))).toBe('it broke')
  expect(toFailureReason('it broke', program('npx'))).toBe('it broke')
})

it.each(['npx', '/usr/bin/uvx', 'C:\\node\\npx.cmd'])(
  'says more where the program %s may be fetching the server',
  (command) => {
    expect(toFailureReason(new OpeningTimedOut(5000), program(command))).toMatch(
      /within 5 s \(it may still be fetching, .+: run it once in a terminal, .+\)$/,
    )
  },
)

it('says no more where it is the server that is silent', () => {
  expect(toFailureReason(new OpeningTimedOut(5000), program('node'))).toMatch(/within 5 s$/)
})

it.each([
  ['a program that ended', program('node'), { kind: 'lost', reason: '' }, false, false],
  ['a program that is silent', program('node'), undefined, true, false],
  ['an address that cannot be reached', address, { kind: 'unreachable', reason: '' }, false, true],
  ['an address that was lost', address, { kind: 'lost', reason: '' }, false, true],
  ['an address that is silent', address, undefined, true, true],
  ['an address that does not want us', address, { kind: 'refused', reason: '' }, false, false],
  ['an address that answers the opening with an error', address, undefined, false, false],
] as const)('%s', (...[, transport, end, isSilent, isPassing]) => {
  expect(toFailureKind(transport, end, isSilent)).toMatchObject({ isPassing, retryAfterMs: 0 })
})

it('leaves a server alone for as long as it asks for', () => {
  const end = { kind: 'unreachable', reason: '', retryAfterMs: 7000 } as const
  expect(toFailureKind(address, end, false).retryAfterMs).toBe(7000)
})
