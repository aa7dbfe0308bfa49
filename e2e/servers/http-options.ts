import { toNumber, type JsonObject } from './json-values.ts'

/** What http-echo.ts and http-faulty.ts can be told besides the options of echo.ts. */
export interface HttpOptions {
  /** 0 unless given: a free one. */
  readonly port: number
  /** How requests are answered over Streamable HTTP: as a stream of events unless `json` is given. */
  readonly answers: 'stream' | 'json'
  /** Whether initialize gives a session id, without which nothing else is taken; true unless given. */
  readonly sessions: boolean
  /** Status for an unknown session: 404 as the specification has it, unless 400 (as examples of the SDK) is given. */
  readonly expiredStatus: 404 | 400
  /** Events have ids, and streams can be resumed; false unless given. */
  readonly eventIds: boolean
  /** Streams begin with a `retry` of so many milliseconds. */
  readonly retryMs: number | undefined
  /** Ends the stream of a request after its first, empty event: the client has to come for the answer (SEP-1699). */
  readonly polling: boolean
  /** As polling, but the connection is cut rather than the response ended. */
  readonly cutting: boolean
  /** Where questions during a call go: the stream of the call unless `get` (the standalone one) is given. */
  readonly questions: 'call' | 'get'
  /** Whether there is a standalone stream, by GET; true unless given, else 405. */
  readonly standalone: boolean
  /** Whether a session can be ended by DELETE; true unless given, else 405. */
  readonly deletes: boolean
  /** Whether /mcp is there; true unless given, else 404. /sse always is. */
  readonly streamable: boolean
}

/** Reads the options; what is no option of these is left to others. */
export function toHttpOptions(given: JsonObject): HttpOptions {
  return {
    port: toNumber(given['port']),
    answers: given['answers'] === 'json' ? 'json' : 'stream',
    sessions: given['sessions'] !== false,
    expiredStatus: given['expiredStatus'] === 400 ? 400 : 404,
    eventIds: ['eventIds', 'polling', 'cutting'].some((name) => given[name] === true),
    retryMs: typeof given['retryMs'] === 'number' ? given['retryMs'] : undefined,
    polling: given['polling'] === true,
    cutting: given['cutting'] === true,
    questions: given['questions'] === 'get' ? 'get' : 'call',
    standalone: given['standalone'] !== false,
    deletes: given['deletes'] !== false,
    streamable: given['streamable'] !== false,
  }
}
