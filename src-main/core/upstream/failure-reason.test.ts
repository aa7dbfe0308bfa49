import { expect, it } from 'vitest'
import { OpeningTimedOut } from './connection/handshake.ts'
import { toFailureReason } from './failure-reason.ts'

it('is what the error says', () => {
  expect(toFailureReason(new Error('it broke'), 'npx')).toBe('it broke')
  expect(toFailureReason('it broke', 'npx')).toBe('it broke')
})

it.each(['npx', '/usr/bin/uvx', 'C:\\node\\npx.cmd'])(
  'says more where the program %s may be fetching the server',
  (command) => {
    expect(toFailureReason(new OpeningTimedOut(5000), command)).toMatch(
      /within 5 s \(it may still be fetching, .+: run it once in a terminal, .+\)$/,
    )
  },
)

it('says no more where it is the server that is silent', () => {
  expect(toFailureReason(new OpeningTimedOut(5000), 'node')).toMatch(/within 5 s$/)
})
