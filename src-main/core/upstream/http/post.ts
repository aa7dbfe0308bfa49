import { parseMessage } from '#base/json-rpc.ts'
import type { RequestFailure } from '../connection/carrier.ts'
import { BodyReader } from './body-reader.ts'
import type { HttpListener, HttpResponse } from './http-client.ts'
import {
  isSessionForgotten,
  toFormTrouble,
  toLines,
  toMediaType,
  toNetworkTrouble,
  toStatusTrouble,
  type HttpTrouble,
} from './http-trouble.ts'

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
  /** It was not an answer, or no more than what came so far; `isForgotten` when the server does not know the session. */
  readonly onTrouble: (trouble: HttpTrouble, response: HttpResponse | undefined, isForgotten: boolean) => void
  /** The response is over, whatever it was. */
  readonly onOver: () => void
}

const errorBytes = 64 * 1024

/** Reads the response to a message that was posted (MCP 2025-11-25, "Sending Messages to the Server"). */
export function readPost(isRequest: boolean, listener: PostListener): HttpListener {
  let response: HttpResponse | undefined
  let reader: HttpListener | undefined
  let body = new BodyReader(errorBytes)
  return {
    onResponse: (head) => {
      response = head
      if (head.status >= 300) return
      listener.onTaken(head)
      if (isRequest && isEncoded(head)) {
        const reason = 'it compressed its answer, though it was not asked to'
        listener.onTrouble({ reason, kind: 'refused', failure: 'failed', isOfServer: true }, head, false)
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
      else listener.onTrouble(toNetworkTrouble(error), response, false)
      listener.onOver()
    },
  }

  function finish(head: HttpResponse): void {
    const { isCut } = body
    const bytes = body.take()
    if (head.status >= 300) {
      // Some answer with a status and, in the body, the very answer.
      const answer = isRequest ? toLines(bytes).find(isAnswer) : undefined
      const isForgotten = listener.hasSession && isSessionForgotten(head.status, bytes, answer !== undefined)
      if (answer !== undefined && !isForgotten) listener.onLine(answer)
      listener.onTrouble(toStatusTrouble(head, bytes), head, isForgotten)
      return
    }
    const isJson = toMediaType(head.header('content-type')) === 'application/json'
    if (isJson && isCut) {
      const reason = 'its answer is longer than limits.messageBytes allows'
      listener.onTrouble({ reason, kind: 'lost', failure: 'failed' }, head, false)
    } else if (isJson && !isEncoded(head)) for (const line of toLines(bytes)) listener.onLine(line)
    if (isRequest) listener.onTrouble(toMissingTrouble(head, bytes), head, false)
  }
}

function isEncoded(head: HttpResponse): boolean {
  return !['', 'identity'].includes(head.header('content-encoding')?.trim().toLowerCase() ?? '')
}

/** Why there is no answer after all that came; of no interest once there was one. */
function toMissingTrouble(head: HttpResponse, body: Buffer): HttpTrouble {
  const isJson = toMediaType(head.header('content-type')) === 'application/json'
  if (body.length > 0 && !isJson) return toFormTrouble(head)
  const what = body.length === 0 ? 'it answered with nothing at all' : 'what it answered is no answer to this'
  return { reason: `${what} (HTTP ${head.status})`, kind: 'refused', failure: 'failed', isOfServer: true }
}

/** Whether a line may be an answer with an id, not only an error about nothing in particular. */
function isAnswer(line: Buffer): boolean {
  const message = parseMessage(line)
  return message.kind === 'response' && message.id !== undefined
}

/** What a trouble means for one request. */
export function toFailure({ reason, failure, isOfServer = false }: HttpTrouble): RequestFailure {
  return { kind: failure, reason, isOfServer }
}
