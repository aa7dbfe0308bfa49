import type { JsonObject } from '../servers/json-values.ts'
import type { RawClient } from './raw-client.ts'
import { time } from './views.ts'

/** Calls a tool again and again, one call after the other, until told; gives the milliseconds that each took. */
export async function measureUntil(
  isOver: (calls: number) => boolean,
  client: RawClient,
  tool: string,
  args: JsonObject = {},
): Promise<number[]> {
  const times: number[] = []
  while (!isOver(times.length)) {
    const { took } = await time(() => client.callText(tool, args))
    times.push(took)
  }
  return times
}

/** Calls a tool so many times, one call after the other; gives the milliseconds that each took. */
export function measureCalls(
  calls: number,
  client: RawClient,
  tool: string,
  args: JsonObject = {},
): Promise<number[]> {
  return measureUntil((made) => made >= calls, client, tool, args)
}
