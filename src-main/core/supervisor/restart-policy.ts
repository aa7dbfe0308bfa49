/** When a server that failed is started again, and when Patchbay gives up. */
export interface RestartPolicy {
  readonly enabled: boolean
  /** Failures within the window after which it counts as a crash loop. */
  readonly max: number
  readonly windowSeconds: number
  readonly delayMs: number
  readonly maxDelayMs: number
  readonly jitter: boolean
}

/** Failures so far, oldest first. `at` is in milliseconds of a clock that is never set back. */
export type Failures = readonly { readonly at: number; readonly isPassing: boolean }[]

/** What a failure says of the next try. */
export interface FailureKind {
  /** What was wrong passes by itself, as when a network is gone: such a failure is no reason to give up. */
  readonly isPassing: boolean
  /** How long not to try, at least, in milliseconds. */
  readonly retryAfterMs: number
  /** Nothing of ours fails: after too many failures it is asked seldom, in place of never. */
  readonly isElsewhere: boolean
}

/** What follows a failure: another try after a delay, or none until a person asks for it. */
export type RestartDecision =
  | { readonly type: 'retry'; readonly delayMs: number }
  | { readonly type: 'crash-loop' }
  | { readonly type: 'never' }

const ordinary: FailureKind = { isPassing: false, retryAfterMs: 0, isElsewhere: false }
const seldomMs = 600_000

/** The failures that still count once there is one more. */
export function addFailure(
  policy: RestartPolicy,
  failures: Failures,
  now: number,
  { isPassing }: FailureKind = ordinary,
): Failures {
  const since = now - policy.windowSeconds * 1000
  return [...failures.filter(({ at }) => at > since), { at: now, isPassing }]
}

/**
 * What to do after the last of these failures. The delay doubles with each one in the window; jitter takes off up to
 * half of it, so that servers that failed together do not start together. `random` is in [0, 1).
 */
export function decideRestart(
  policy: RestartPolicy,
  failures: Failures,
  random: number,
  { retryAfterMs, isElsewhere }: FailureKind = ordinary,
): RestartDecision {
  if (!policy.enabled) return { type: 'never' }
  const lasting = failures.filter(({ isPassing }) => !isPassing)
  if (lasting.length > policy.max && failures.at(-1)?.isPassing === false)
    return isElsewhere ? { type: 'retry', delayMs: Math.max(seldomMs, retryAfterMs) } : { type: 'crash-loop' }
  const doubled = policy.delayMs * 2 ** Math.max(0, failures.length - 1)
  const delay = Math.min(doubled, policy.maxDelayMs)
  const varied = Math.round(policy.jitter ? delay * (1 - random / 2) : delay)
  return { type: 'retry', delayMs: Math.max(varied, retryAfterMs) }
}
