// What loads a route and takes the times: the same for stdio and HTTP, and light enough not to be what is measured.

/** A tool's call with a text of some length; all but its id is made ahead. */
export interface Payload {
  /** What of the line follows the id, with its line end. */
  readonly tail: Buffer
  /** Bytes of the right answer, without the digits of its id and without a line end. */
  readonly answerBytes: number
}

/** A client with an open session. It may have many calls in flight, each on a lane of its own. */
export interface Client {
  /** From the start of the client (or, over HTTP, of its connection) to the answer to `initialize`. */
  readonly firstAnswerMs: number
  /** The process that the client started, if it started one. */
  readonly pid: number | undefined
  /** Makes ready for so many calls in flight. */
  widen(lanes: number): Promise<void>
  /** Rejects when the answer is not as long as the right one is. */
  call(payload: Payload, lane: number): Promise<void>
  close(): Promise<void>
}

/** Times of the calls of one measurement. */
export interface Measurement {
  /** Milliseconds of each call, ascending. */
  readonly times: readonly number[]
  readonly callsPerSecond: number
}

/** What of a call precedes its id. */
export const callStart = '{"jsonrpc":"2.0","id":'
/** Texts up to this size are sent in one piece with what precedes them. */
export const smallBytes = 64 * 1024

const deadlineMs = 60_000

/** The call of a tool with a text of so many bytes. */
export function toPayload(tool: string, bytes: number): Payload {
  const text = 'x'.repeat(bytes)
  const params = `{"name":"${tool}","arguments":{"text":"${text}"}}`
  const answer = `${callStart},"result":{"content":[{"type":"text","text":"${text}"}]}}`
  return {
    tail: Buffer.from(`,"method":"tools/call","params":${params}}\n`),
    answerBytes: answer.length,
  }
}

/** Calls for so many milliseconds, with so many calls in flight; waits for the last answer. */
export async function measureLoad(
  client: Client,
  payload: Payload,
  { inFlight, milliseconds }: { readonly inFlight: number; readonly milliseconds: number },
): Promise<Measurement> {
  await client.widen(inFlight)
  const times: number[] = []
  const start = performance.now()
  const end = start + milliseconds
  const work = async (lane: number): Promise<void> => {
    for (let now = performance.now(); now < end;) {
      await client.call(payload, lane)
      const answered = performance.now()
      times.push(answered - now)
      now = answered
    }
  }
  await withinDeadline(Promise.all([...Array(inFlight).keys()].map(work)))
  const seconds = (performance.now() - start) / 1000
  return { times: times.toSorted((left, right) => left - right), callsPerSecond: times.length / seconds }
}

/** Calls so many times, one after the other. */
export async function callTimes(client: Client, payload: Payload, calls: number): Promise<void> {
  for (let count = 0; count < calls; count++) await withinDeadline(client.call(payload, 0))
}

/** One lost answer would hold up the whole run: says so after a minute. */
export async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`An answer did not come within ${deadlineMs / 1000} s.`))
  }, deadlineMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The value that so large a part of the values (0 to 1), sorted ascending, lies below. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? NaN
}

/** The middle value; of an even number of values the upper one of the two. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((left, right) => left - right),
    0.5,
  )
}
