import { vi } from 'vitest'
import { openGatewayBench, type GatewayBench, type GatewayBenchOptions } from './gateway-bench.ts'
import type { HttpTestClient } from './gateway-client.ts'
import type { ServerLife } from './scripted-server.ts'
import type { WireMessage } from './wire-message.ts'

const able = '{"roots":{"listChanged":true},"sampling":{},"elicitation":{}}'

/** A client over HTTP, with the server that it was given. */
export interface Pair extends GatewayBench {
  readonly client: HttpTestClient
  readonly life: ServerLife
}

/** A client that is open, with all that a client can do. */
export async function openPair(revision = '2025-11-25', options: GatewayBenchOptions = {}): Promise<Pair> {
  const opened = await openGatewayBench(options)
  const client = opened.connect()
  await client.open(revision, able)
  return { ...opened, client, life: await opened.bench.server('s').nextLife() }
}

/** A call whose progress is told with the token `t`. */
export function callWithProgress(client: HttpTestClient) {
  return client.call('s__x', '{"progressToken":"t"}')
}

/** Has the server tell the progress of a call. */
export function tellProgress(life: ServerLife, call: WireMessage, progress: number): void {
  const { progressToken } = call.params?.['_meta'] as { progressToken: number }
  life.notify('notifications/progress', `{"progressToken":${progressToken},"progress":${progress}}`)
}

/** Waits until something is due, with time standing still. */
export async function waitForTimers(): Promise<void> {
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve))
}
