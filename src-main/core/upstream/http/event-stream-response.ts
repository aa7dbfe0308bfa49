import { BodyReader } from './body-reader.ts'
import type { HttpListener, HttpResponse } from './http-client.ts'
import { isEncoded, toEncodedTrouble, toFormTrouble, toMediaType, toStatusTrouble } from './http-trouble.ts'
import type { HttpTrouble } from './http-trouble.ts'

/** What becomes of a request for an event stream. */
export interface EventStreamResponse {
  /** It is one: gives what reads it. */
  readonly toReader: () => HttpListener
  /** It is none; `body` is its beginning. */
  readonly onRefused: (trouble: HttpTrouble, response: HttpResponse, body: Buffer) => void
  /** The connection broke before it was clear what it is. */
  readonly onError: (error: Error) => void
}

/** How much of a refusal is read, in bytes. */
export const errorBytes = 64 * 1024
/** How long the body of a refusal may take, in milliseconds: what has come by then is all that is looked at. */
export const refusalMs = 3000

/** Whether a response is an event stream. */
export function isEventStream(response: HttpResponse): boolean {
  return response.status === 200 && toMediaType(response.header('content-type')) === 'text/event-stream'
}

/** Reads the response to a GET that asks for an event stream. */
export function readEventStream(listener: EventStreamResponse): HttpListener {
  let reader: HttpListener | undefined
  let refused: HttpResponse | undefined
  let timer: NodeJS.Timeout | undefined
  const body = new BodyReader(errorBytes)
  const refuse = (): void => {
    clearTimeout(timer)
    const response = refused
    refused = undefined
    if (response === undefined) return
    const bytes = body.take()
    const trouble = response.status >= 400 ? toStatusTrouble(response, bytes) : toFormTrouble(response)
    listener.onRefused(trouble, response, bytes)
  }
  return {
    onResponse: (response) => {
      if (!isEventStream(response)) {
        refused = response
        timer = setTimeout(refuse, refusalMs).unref()
      }
      // Its end may be far away.
      else if (isEncoded(response)) listener.onRefused(toEncodedTrouble(), response, Buffer.alloc(0))
      else reader = listener.toReader()
    },
    onData: (chunk) => {
      if (reader !== undefined) reader.onData(chunk)
      else if (refused !== undefined) body.push(chunk)
    },
    onEnd: () => {
      if (reader !== undefined) reader.onEnd()
      else refuse()
    },
    onError: (error) => {
      if (reader !== undefined) reader.onError(error)
      else if (refused !== undefined || timer === undefined) {
        clearTimeout(timer)
        listener.onError(error)
      }
    },
  }
}
