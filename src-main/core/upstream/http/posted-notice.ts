import { isEventStream } from './event-stream-response.ts'
import type { HttpExchange, HttpListener } from './http-client.ts'
import { readPost, type PostTrouble } from './post.ts'

/** What a message asks of the session that it belongs to, if its answer, should there be one, comes elsewhere. */
export interface NoticeHost {
  /** Longest message, in bytes. */
  readonly messageBytes: number
  readonly hasSession: boolean
  readonly send: (listener: HttpListener) => HttpExchange
  /** A message came along with the acknowledgement. */
  readonly onLine: (line: Buffer) => void
  /** The server did not take it. */
  readonly onRefused: (trouble: PostTrouble) => void
  /** Once, and last: the server has taken it, or will not. */
  readonly onSettled: () => void
}

/** How long the head of the answer to such a message may take, in milliseconds. */
export const noticeMs = 60_000
/** How long an acknowledgement may take from its head to its end. */
const acknowledgementMs = 5000

/** Posts a message of which nothing more is awaited than that the server takes it. */
export function postNotice(host: NoticeHost): void {
  let isSettled = false
  let timer: NodeJS.Timeout | undefined
  const settle = (): void => {
    if (isSettled) return
    isSettled = true
    host.onSettled()
  }
  const exchange = host.send(
    readPost(undefined, {
      messageBytes: host.messageBytes,
      hasSession: host.hasSession,
      onTaken: (response) => {
        settle()
        const end = (): void => {
          exchange.abort()
        }
        // A stream on which there is nothing to come may stay open for ever.
        if (isEventStream(response)) end()
        else timer = setTimeout(end, acknowledgementMs).unref()
      },
      toStreamReader: () => {
        throw new TypeError('What is posted so has no answer of its own.')
      },
      onLine: host.onLine,
      onTrouble: (trouble) => {
        if (!isSettled) host.onRefused(trouble)
      },
      onOver: () => {
        clearTimeout(timer)
        exchange.abort()
        settle()
      },
    }),
  )
}
