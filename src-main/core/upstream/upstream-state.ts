import type { RestartDecision } from '../supervisor/restart-policy.ts'

/** How an upstream is. `reason` completes the sentence "… because {reason}". */
export type UpstreamState =
  | { readonly state: 'stopped'; readonly reason?: string }
  | { readonly state: 'starting'; readonly attempt: number }
  | { readonly state: 'ready' }
  | {
      readonly state: 'back-off'
      readonly attempt: number
      readonly reason: string
      readonly delayMs: number
    }
  | { readonly state: 'crash-loop'; readonly reason: string }

/** What happens to an upstream. */
export type UpstreamEvent =
  | { readonly type: 'start-asked' }
  | { readonly type: 'negotiated' }
  | { readonly type: 'failed'; readonly reason: string; readonly decision: RestartDecision }
  | { readonly type: 'retry-due' }
  | { readonly type: 'stop-asked' }

/** The state after an event. An event that a state has no use for leaves it as it is. */
export function nextState(current: UpstreamState, event: UpstreamEvent): UpstreamState {
  switch (event.type) {
    case 'start-asked':
      return current.state === 'stopped' || current.state === 'crash-loop'
        ? { state: 'starting', attempt: 1 }
        : current
    case 'negotiated':
      return current.state === 'starting' ? { state: 'ready' } : current
    case 'failed':
      return current.state === 'starting' || current.state === 'ready'
        ? afterFailure(current, event)
        : current
    case 'retry-due':
      return current.state === 'back-off' ? { state: 'starting', attempt: current.attempt } : current
    case 'stop-asked':
      return current.state === 'stopped' && current.reason === undefined ? current : { state: 'stopped' }
  }
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
      return { state: 'stopped', reason }
  }
}

/** One sentence for people about a server in a state, with what they can do. */
export function toStateText(server: string, state: UpstreamState): string {
  switch (state.state) {
    case 'ready':
      return `The server “${server}” is ready.`
    case 'starting':
      return `The server “${server}” is still starting.`
    case 'back-off':
      return `The server “${server}” is not running (back-off): ${state.reason}. Patchbay tries again by itself.`
    case 'crash-loop':
      return `The server “${server}” keeps failing (crash-loop): ${state.reason}. Mend its configuration, then restart Patchbay.`
    case 'stopped':
      return `The server “${server}” is stopped${state.reason === undefined ? '' : `: ${state.reason}`}.`
  }
}

/** How a state is told in our own log; its reason goes with it. */
export function toLogLine(state: UpstreamState): { level: 'info' | 'warning' | 'error'; sentence: string } {
  switch (state.state) {
    case 'starting':
      return { level: 'info', sentence: 'The server is starting.' }
    case 'ready':
      return { level: 'info', sentence: 'The server is ready.' }
    case 'back-off':
      return { level: 'warning', sentence: 'The server failed; it is started again after a while.' }
    case 'crash-loop':
      return { level: 'error', sentence: 'The server keeps failing; it is not started again.' }
    case 'stopped':
      return state.reason === undefined
        ? { level: 'info', sentence: 'The server is stopped.' }
        : { level: 'warning', sentence: 'The server failed; its restart is switched off.' }
  }
}
