import { parseMessage } from '#base/json-rpc.ts'
import type { RequestFailure } from '../connection/carrier.ts'
import { toOwnId } from '../connection/pending-requests.ts'
import { BodyReader } from './body-reader.ts'
import { errorBytes } from './event-stream-response.ts'
import type { HttpListener, HttpResponse } from './http-client.ts'
import {
  isEncoded,
  isSessionForgotten,
  toEncodedTrouble,
  toFormTrouble,
  toLines,
  toMediaType,
  toNetworkTrouble,
  toStatusTrouble,
  type HttpTrouble,
} from './http-trouble.ts'

/** What went wrong with a message that was posted. */
export interface PostTrouble {
  readonly trouble: HttpTrouble
  /** Of the response, where there is one. */
  readonly status: number | undefined
  /** Whether the server does not know the session. */
  readonly isForgotten: boolean
}

/** What becomes of a message that was posted. */
export interface PostListener {
  /** Longest message, in bytes. */
  readonly messageBytes: number
  /** The response has begun, and is neither an error nor a redirect. */
  readonly onTaken: (response: HttpResponse) => void
  /** Whether it went to a session that the server may have forgotten. */
  readonly hasSession: boolean
  /** The answer comes as a stream of events: gives what reads it. */
  readonly toStreamReader: () => HttpListener
  /** A message came that is not part of a stream. */
  readonly onLine: (line: Buffer) => void
  /** It was not an answer, or no more than what came so far. */
  readonly onTrouble: (trouble: PostTrouble) => void
  /** The response is over, whatever it was. */
  readonly onOver: () => void
}

/**
 * Reads the response to a message that was posted (MCP 2025-11-25, "Sending Messages to the Server"). `asked` is the
 * id of the request that it is; without one there is no answer, and no stream either.
 */
export function readPost(asked: number | undefined, listener: PostListener): HttpListener {
  const isRequest = asked !== undefined
  let response: HttpResponse | undefined
  let reader: HttpListener | undefined
  let body = new BodyReader(errorBytes)
  return {
    onResponse: (head) => {
      response = head
      if (head.status >= 300) return
      listener.onTaken(head)
      if (isRequest && isEncoded(head)) {
        tell(toEncodedTrouble(), head)
        return
      }
      const type = toMediaType(head.header('content-type'))
      if (isRequest && type === 'text/event-stream') reader = listener.toStreamReader()
      else if (type === 'application/json') body = new BodyReader(listener.messageBytes)
    },
    onData: (chunk) => {
      if (reader === undefined) body.push(chunk)
      else reader.onData(chunk)
    },
    onEnd: () => {
      if (reader !== undefined) reader.onEnd()
      else if (response !== undefined) finish(response)
      listener.onOver()
    },
    onError: (error) => {
      if (reader !== undefined) reader.onError(error)
      else tell(toNetworkTrouble(error), response)
      listener.onOver()
    },
  }

  function tell(trouble: HttpTrouble, head: HttpResponse | undefined, isForgotten = false): void {
    listener.onTrouble({ trouble, status: head?.status, isForgotten })
  }

  function finish(head: HttpResponse): void {
    const { isCut } = body
    const bytes = body.take()
    if (head.status >= 300) {
      // Some answer with a status and, in the body, the very answer.
      const answer = isRequest ? toLines(bytes).find((line) => isAnswerTo(asked, line)) : undefined
      const isForgotten = listener.hasSession && isSessionForgotten(head.status, bytes, answer !== undefined)
      if (answer !== undefined && !isForgotten) listener.onLine(answer)
      tell(toStatusTrouble(head, bytes), head, isForgotten)
      return
    }
    const isJson = toMediaType(head.header('content-type')) === 'application/json'
    if (isJson && isCut) {
      const reason = 'its answer is longer than limits.messageBytes allows'
      tell({ reason, kind: 'lost', failure: 'failed' }, head)
    } else if (isJson && !isEncoded(head)) for (const line of toLines(bytes)) listener.onLine(line)
    if (isRequest) tell(toMissingTrouble(head, bytes), head)
  }
}

/** Why there is no answer after all that came; of no interest once there was one. */
function toMissingTrouble(head: HttpResponse, body: Buffer): HttpTrouble {
  const isJson = toMediaType(head.header('content-type')) === 'application/json'
  if (body.length > 0 && !isJson) return toFormTrouble(head)
  const what = body.length === 0 ? 'it answered with nothing at all' : 'what it answered is no answer to this'
  return { reason: `${what} (HTTP ${head.status})`, kind: 'refused', failure: 'failed', isOfServer: true }
}

/** Whether a line is the answer to this very request, not an error about something else. */
function isAnswerTo(asked: number, line: Buffer): boolean {
  const message = parseMessage(line)
  return message.kind === 'response' && message.id !== undefined && toOwnId(line, message.id) === asked
}

/** What a trouble means for one request. */
export function toFailure({ reason, failure, isOfServer = false }: HttpTrouble): RequestFailure {
  return { kind: failure, reason, isOfServer }
}
