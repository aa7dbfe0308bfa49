import type { Logger } from '../observe/logger.ts'
import type { RestartDecision } from '../supervisor/restart-policy.ts'

/** How an upstream is. `reason` completes the sentence "… because {reason}". */
export type UpstreamState =
  /** Nothing runs. The next request starts it, unless it `stays` so because it failed and its restart is switched off. */
  | { readonly state: 'stopped'; readonly reason?: string; readonly stays?: true }
  | { readonly state: 'starting'; readonly attempt: number }
  | { readonly state: 'ready' }
  /** It takes requests, but did not answer when it was asked whether it lives. */
  | { readonly state: 'degraded'; readonly reason: string }
  | {
      readonly state: 'back-off'
      readonly attempt: number
      readonly reason: string
      readonly delayMs: number
    }
  /** It failed too often: only a person or another configuration starts it again. */
  | { readonly state: 'crash-loop'; readonly reason: string }
  /** The user switched it off. */
  | { readonly state: 'off' }

/** What happens to an upstream. */
export type UpstreamEvent =
  | { readonly type: 'start-asked' }
  | { readonly type: 'negotiated' }
  | { readonly type: 'went-silent'; readonly reason: string }
  | { readonly type: 'answered' }
  | { readonly type: 'failed'; readonly reason: string; readonly decision: RestartDecision }
  | { readonly type: 'retry-due' }
  /** The server has forgotten the session: another is opened at once. */
  | { readonly type: 'expired' }
  /** Another configuration holds: it is ended and started with that, unless it was not running. */
  | { readonly type: 'replaced' }
  | { readonly type: 'stop-asked'; readonly reason?: string }

/** The state after an event. An event that a state has no use for leaves it as it is. */
export function nextState(current: UpstreamState, event: UpstreamEvent): UpstreamState {
  switch (event.type) {
    case 'start-asked':
      return isAtRest(current) ? { state: 'starting', attempt: 1 } : current
    case 'negotiated':
      return current.state === 'starting' ? { state: 'ready' } : current
    case 'went-silent':
      return current.state === 'ready' ? { state: 'degraded', reason: event.reason } : current
    case 'answered':
      return current.state === 'degraded' ? { state: 'ready' } : current
    case 'failed':
      return current.state === 'starting' || isOpen(current) ? afterFailure(current, event) : current
    case 'retry-due':
      return current.state === 'back-off' ? { state: 'starting', attempt: current.attempt } : current
    case 'expired':
      return isOpen(current) ? { state: 'starting', attempt: 1 } : current
    case 'replaced':
      return isAtRest(current) && !hasGivenUp(current) ? current : { state: 'starting', attempt: 1 }
    case 'stop-asked':
      return toStopped(current, event.reason)
  }
}

/** Whether a session with the server is open. */
export function isOpen(state: UpstreamState): boolean {
  return state.state === 'ready' || state.state === 'degraded'
}

/** Whether nothing runs and nothing is going to by itself. */
export function isAtRest({ state }: UpstreamState): boolean {
  return state === 'stopped' || state === 'crash-loop'
}

/** Whether it failed too often for a request to start it. */
export function hasGivenUp(state: UpstreamState): boolean {
  return state.state === 'crash-loop' || (state.state === 'stopped' && state.stays === true)
}

type Failure = Extract<UpstreamEvent, { type: 'failed' }>

function afterFailure(current: UpstreamState, { reason, decision }: Failure): UpstreamState {
  const attempt = current.state === 'starting' ? current.attempt + 1 : 1
  switch (decision.type) {
    case 'retry':
      return { state: 'back-off', attempt, reason, delayMs: decision.delayMs }
    case 'crash-loop':
      return { state: 'crash-loop', reason }
    case 'never':
      return { state: 'stopped', reason, stays: true }
  }
}

function toStopped(current: UpstreamState, reason: string | undefined): UpstreamState {
  if (current.state === 'stopped' && current.reason === reason) return current
  return reason === undefined ? { state: 'stopped' } : { state: 'stopped', reason }
}

/** One sentence for people about a server in a state, with what they can do. */
export function toStateText(server: string, state: UpstreamState): string {
  switch (state.state) {
    case 'ready':
      return `The server “${server}” is ready.`
    case 'starting':
      return `The server “${server}” is still starting.`
    case 'degraded':
      return `The server “${server}” does not answer well (degraded): ${state.reason}.`
    case 'back-off':
      return `The server “${server}” is not running (back-off): ${state.reason}. Patchbay tries again by itself.`
    case 'crash-loop':
      return `The server “${server}” keeps failing (crash-loop): ${state.reason}. Mend its configuration, or restart Patchbay to try once more.`
    case 'stopped': {
      const why = state.reason === undefined ? '' : `: ${state.reason}`
      const advice = ' Its restart is switched off; restart Patchbay to start it again.'
      return `The server “${server}” is stopped${why}.${state.stays === true ? advice : ''}`
    }
    case 'off':
      return `The server “${server}” is switched off in Patchbay.`
  }
}

/** Tells a state in our own log, with its reason. */
export function logState(logger: Logger, state: UpstreamState): void {
  const { level, sentence } = toLogLine(state)
  logger[level](sentence, 'reason' in state ? { reason: state.reason } : {})
}

function toLogLine(state: UpstreamState): { level: 'info' | 'warning' | 'error'; sentence: string } {
  switch (state.state) {
    case 'starting':
      return { level: 'info', sentence: 'The server is starting.' }
    case 'ready':
      return { level: 'info', sentence: 'The server is ready.' }
    case 'degraded':
      return { level: 'warning', sentence: 'The server does not answer.' }
    case 'back-off':
      return { level: 'warning', sentence: 'The server failed; it is started again after a while.' }
    case 'crash-loop':
      return {
        level: 'error',
        sentence:
          'The server keeps failing; it is not started again until its configuration is changed or Patchbay restarted.',
      }
    case 'stopped':
      return state.stays === true
        ? { level: 'warning', sentence: 'The server failed; its restart is switched off.' }
        : { level: 'info', sentence: 'The server is stopped.' }
    case 'off':
      return { level: 'info', sentence: 'The server is switched off.' }
  }
}
