import { parseMessage } from '#base/json-rpc.ts'
import type { RequestFailure } from '../connection/carrier.ts'
import { toOwnId } from '../connection/pending-requests.ts'
import { BodyReader } from './body-reader.ts'
import { errorBytes, refusalMs } from './event-stream-response.ts'
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
  /** The response is over, whatever it was; what still comes of one that does not end is not looked at. */
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
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const tell = (trouble: HttpTrouble): void => {
    listener.onTrouble({ trouble, status: response?.status, isForgotten: false })
  }
  const end = (toTell: () => void): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    toTell()
    listener.onOver()
  }
  return {
    onResponse: (head) => {
      response = head
      if (head.status >= 300) {
        timer = setTimeout(() => {
          end(() => {
            finish(asked, head, body, listener)
          })
        }, refusalMs).unref()
        return
      }
      listener.onTaken(head)
      if (isRequest && isEncoded(head)) {
        tell(toEncodedTrouble())
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
      end(() => {
        if (reader !== undefined) reader.onEnd()
        else if (response !== undefined) finish(asked, response, body, listener)
      })
    },
    onError: (error) => {
      end(() => {
        if (reader !== undefined) reader.onError(error)
        else tell(toNetworkTrouble(error))
      })
    },
  }
}

/** Tells what came of a response that is over, and was no stream. */
function finish(
  asked: number | undefined,
  head: HttpResponse,
  body: BodyReader,
  listener: PostListener,
): void {
  const { isCut } = body
  const bytes = body.take()
  const isRequest = asked !== undefined
  if (head.status >= 300) {
    // Some answer with a status and, in the body, the very answer.
    const answer = isRequest ? toLines(bytes).find((line) => isAnswerTo(asked, line)) : undefined
    const isForgotten = listener.hasSession && isSessionForgotten(head.status, bytes, answer !== undefined)
    if (answer !== undefined && !isForgotten) listener.onLine(answer)
    listener.onTrouble({ trouble: toStatusTrouble(head, bytes), status: head.status, isForgotten })
    return
  }
  const tell = (trouble: HttpTrouble): void => {
    listener.onTrouble({ trouble, status: head.status, isForgotten: false })
  }
  const isJson = toMediaType(head.header('content-type')) === 'application/json'
  if (isJson && isCut) {
    const reason = 'its answer is longer than limits.messageBytes allows'
    tell({ reason, kind: 'lost', failure: 'failed' })
  } else if (isJson && !isEncoded(head)) for (const line of toLines(bytes)) listener.onLine(line)
  if (isRequest) tell(toMissingTrouble(head, bytes))
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
