import type { PoolListener } from '#core/upstream/server-pool.ts'

/** Remembers what upstreams and their pool tell, in order: one word and its fact each. */
export interface UpstreamRecorder {
  readonly listener: PoolListener
  readonly told: string[]
  /** The states told so far, in order. */
  readonly states: () => string[]
}

export function createUpstreamRecorder(): UpstreamRecorder {
  const told: string[] = []
  return {
    told,
    states: () => told.filter((line) => line.startsWith('state ')).map((line) => line.slice(6)),
    listener: {
      onRequest: (...[, , { method }]) => told.push(`request ${method}`),
      onNotification: (...[, , { method }]) => told.push(`notification ${method}`),
      onDrained: () => told.push('drained'),
      onOpened: () => told.push('opened'),
      onClosed: () => told.push('closed'),
      onStateChanged: ({ state }) => told.push(`state ${state.state}`),
      onListsChanged: () => told.push('lists'),
      onAdopted: (...[, session]) => told.push(`adopted ${session}`),
      onRetired: () => told.push('retired'),
      isWatched: () => false,
    },
  }
}
