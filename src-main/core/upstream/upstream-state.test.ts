import { describe, expect, it } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { ServerUnavailable } from './server-unavailable.ts'
import { nextState, logState, toStateText, type UpstreamEvent, type UpstreamState } from './upstream-state.ts'

const stopped: UpstreamState = { state: 'stopped' }
const idle: UpstreamState = { state: 'stopped', reason: 'nothing was asked of it for 5 s' }
const stoppedFor: UpstreamState = { state: 'stopped', reason: 'it exited with code 1', stays: true }
const starting: UpstreamState = { state: 'starting', attempt: 3 }
const ready: UpstreamState = { state: 'ready' }
const degraded: UpstreamState = { state: 'degraded', reason: 'it did not answer' }
const backOff: UpstreamState = { state: 'back-off', attempt: 2, reason: 'it broke', delayMs: 100 }
const crashLoop: UpstreamState = { state: 'crash-loop', reason: 'it broke' }

const startAsked: UpstreamEvent = { type: 'start-asked' }
const negotiated: UpstreamEvent = { type: 'negotiated' }
const wentSilent: UpstreamEvent = { type: 'went-silent', reason: 'it did not answer' }
const answered: UpstreamEvent = { type: 'answered' }
const replaced: UpstreamEvent = { type: 'replaced' }
const retryDue: UpstreamEvent = { type: 'retry-due' }
const stopAsked: UpstreamEvent = { type: 'stop-asked' }
const retried: UpstreamEvent = {
  type: 'failed',
  reason: 'it died',
  decision: { type: 'retry', delayMs: 5 },
}
const looped: UpstreamEvent = { type: 'failed', reason: 'it died', decision: { type: 'crash-loop' } }
const givenUp: UpstreamEvent = { type: 'failed', reason: 'it died', decision: { type: 'never' } }

describe('nextState', () => {
  it.each<[UpstreamState, UpstreamEvent, UpstreamState]>([
    [stopped, startAsked, { state: 'starting', attempt: 1 }],
    [stoppedFor, startAsked, { state: 'starting', attempt: 1 }],
    [crashLoop, startAsked, { state: 'starting', attempt: 1 }],
    [starting, negotiated, { state: 'ready' }],
    [starting, retried, { state: 'back-off', attempt: 4, reason: 'it died', delayMs: 5 }],
    [ready, retried, { state: 'back-off', attempt: 1, reason: 'it died', delayMs: 5 }],
    [ready, looped, { state: 'crash-loop', reason: 'it died' }],
    [starting, looped, { state: 'crash-loop', reason: 'it died' }],
    [ready, givenUp, { state: 'stopped', reason: 'it died', stays: true }],
    [ready, wentSilent, degraded],
    [degraded, answered, { state: 'ready' }],
    [degraded, retried, { state: 'back-off', attempt: 1, reason: 'it died', delayMs: 5 }],
    [degraded, stopAsked, { state: 'stopped' }],
    [ready, { ...stopAsked, reason: 'nothing was asked of it for 5 s' }, idle],
    [idle, startAsked, { state: 'starting', attempt: 1 }],
    [ready, replaced, { state: 'starting', attempt: 1 }],
    [backOff, replaced, { state: 'starting', attempt: 1 }],
    [crashLoop, replaced, { state: 'starting', attempt: 1 }],
    [stoppedFor, replaced, { state: 'starting', attempt: 1 }],
    [backOff, retryDue, { state: 'starting', attempt: 2 }],
    [stoppedFor, stopAsked, { state: 'stopped' }],
    [starting, stopAsked, { state: 'stopped' }],
    [ready, stopAsked, { state: 'stopped' }],
    [backOff, stopAsked, { state: 'stopped' }],
    [crashLoop, stopAsked, { state: 'stopped' }],
  ])('goes from %j by %j to %j', (before, event, after) => {
    expect(nextState(before, event)).toEqual(after)
  })

  it.each<[UpstreamState, readonly UpstreamEvent[]]>([
    [stopped, [negotiated, retried, looped, givenUp, retryDue, stopAsked, wentSilent, answered, replaced]],
    [idle, [replaced]],
    [starting, [startAsked, retryDue, wentSilent, answered]],
    [ready, [startAsked, negotiated, retryDue, answered]],
    [degraded, [startAsked, negotiated, retryDue, wentSilent]],
    [backOff, [startAsked, negotiated, retried, looped, givenUp, wentSilent, answered]],
    [crashLoop, [negotiated, retried, looped, givenUp, retryDue, wentSilent, answered]],
  ])('stays in %j, the very same, by events that it has no use for', (state, events) => {
    const changing = events.filter((event) => nextState(state, event) !== state)
    expect(changing).toEqual([])
  })
})

describe('toStateText', () => {
  it.each<[UpstreamState, string]>([
    [ready, 'The server “files” is ready.'],
    [starting, 'The server “files” is still starting.'],
    [stopped, 'The server “files” is stopped.'],
    [idle, 'The server “files” is stopped: nothing was asked of it for 5 s.'],
    [
      stoppedFor,
      'The server “files” is stopped: it exited with code 1. Its restart is switched off; restart Patchbay to start it again.',
    ],
    [degraded, 'The server “files” does not answer well (degraded): it did not answer.'],
    [{ state: 'off' }, 'The server “files” is switched off in Patchbay.'],
    [backOff, 'The server “files” is not running (back-off): it broke. Patchbay tries again by itself.'],
    [
      crashLoop,
      'The server “files” keeps failing (crash-loop): it broke. Mend its configuration, or restart Patchbay to try once more.',
    ],
  ])('says of %j: %s', (state, text) => {
    expect(toStateText('files', state)).toBe(text)
  })

  it('is what the error says that a call to such a server gets', () => {
    const error = new ServerUnavailable('files', backOff)
    expect(error.message).toBe(toStateText('files', backOff))
    expect([error.name, error.server, error.state]).toEqual(['ServerUnavailable', 'files', 'back-off'])
  })
})

describe('logState', () => {
  it.each<[UpstreamState, string]>([
    [starting, 'info'],
    [ready, 'info'],
    [backOff, 'warning'],
    [crashLoop, 'error'],
    [stopped, 'info'],
    [idle, 'info'],
    [degraded, 'warning'],
    [{ state: 'off' }, 'info'],
    [stoppedFor, 'warning'],
  ])('tells of %j as %s, in a sentence', (state, level) => {
    const { logger, entries } = createLogRecorder()
    logState(logger, state)
    expect(entries[0]?.level).toBe(level)
    expect(entries[0]?.message).toMatch(/^The server .+\.$/)
    expect(entries[0]?.fields['reason']).toBe('reason' in state ? state.reason : undefined)
  })
})
