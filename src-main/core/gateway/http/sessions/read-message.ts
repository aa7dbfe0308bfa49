import type { IncomingMessage } from 'node:http'
import { bytesAt, parseMessage, rpcCodes, type RpcMessage } from '#base/json-rpc.ts'
import { sendRefusal, toRpcBody, type Refusal, type Reply } from '../answers.ts'
import { readBody } from '../bodies/body.ts'
import type { RequestHead } from '../guards/request-head.ts'
import { toOneLine } from '../one-line.ts'
import type { EndpointParts } from './endpoint-parts.ts'

/** A request that may come in. */
export interface Visit {
  readonly request: IncomingMessage
  readonly reply: Reply
  readonly head: RequestHead
  /** Whether it showed the access token. */
  readonly isWithToken: boolean
  /** Whether it waits to be told to go on before it sends its body. */
  readonly isAsking: boolean
  /** Whether what let it in, the token or that there need be none, holds still. */
  readonly isStillWelcome: () => boolean
}

/** What reading messages needs. */
type ReadParts = Pick<EndpointParts, 'limits' | 'bodies' | 'bodyMs' | 'logger'>

/**
 * Reads the message of a POST; where there is none, answers so and calls `take` not at all. Whatever `take` throws
 * costs this request alone.
 */
export function readMessage(visit: Visit, parts: ReadParts, take: (message: RpcMessage) => void): void {
  const { request, reply, head } = visit
  const { limits, bodies, bodyMs, logger } = parts
  const { bodyBytes } = limits
  const tooLarge = toTooLarge(bodyBytes)
  if (Number(head.contentLength ?? 0) > bodyBytes) {
    refuse(reply, tooLarge)
    return
  }
  if (visit.isAsking) reply.response.writeContinue()
  readBody(request, { mostBytes: bodyBytes, withinMs: bodyMs, budget: bodies }, (body) => {
    if (body === 'broken') return
    if (!Buffer.isBuffer(body)) {
      refuse(reply, body === 'too-large' ? tooLarge : tooSlow)
      return
    }
    const line = toOneLine(body)
    const message = line === undefined ? undefined : parseMessage(line)
    if (message === undefined) refuse(reply, notParsed)
    else if (message.kind === 'fault') refuse(reply, toFault(message.code, message.reason), message)
    else {
      try {
        take(message)
      } catch (error) {
        logger.error('Something unexpected went wrong with a message.', { error: String(error) })
        refuse(reply, unexpected, message)
      }
    }
  })
}

/** How long a request says that its body is, in bytes; Infinity where it does not say. */
export function toLength({ contentLength }: RequestHead): number {
  return contentLength === undefined ? Infinity : Number(contentLength)
}

/** Answers with why not, under the id of the request where it has one. */
export function refuse(reply: Reply, refusal: Refusal, message?: RpcMessage): void {
  const hasId = message?.kind === 'request' || message?.kind === 'fault'
  const id = hasId && message.id !== undefined ? bytesAt(message.bytes, message.id).toString() : undefined
  sendRefusal(reply, refusal, toRpcBody(refusal, id))
}

function toTooLarge(bytes: number): Refusal {
  const message = `The body is longer than ${bytes} bytes (limits.bodyBytes).`
  return { status: 413, code: 'too-large', message }
}

function toFault(rpcCode: number, reason: string): Refusal {
  const code = rpcCode === rpcCodes.parseError ? 'broken-json' : 'no-message'
  return { status: 400, code, message: reason, rpcCode }
}

const notParsed = toFault(rpcCodes.parseError, 'The body is not JSON.')

const tooSlow: Refusal = {
  status: 408,
  code: 'too-slow',
  message: 'The body did not come to its end within 2 minutes.',
}

const unexpected: Refusal = {
  status: 500,
  code: 'internal',
  message: 'Something went wrong in Patchbay; its log tells more.',
  rpcCode: rpcCodes.internalError,
}
