import type { Parts } from '#base/splice.ts'

/**
 * The carrier of one client, as the router sees it: a socket, stdin and stdout, or an HTTP session. Requests of the
 * client are known by their keys (`idKey`), so that a carrier with a stream for each can tell what goes where.
 */
export interface ClientPort {
  /** Whether the client does not keep up with what is sent to it. */
  readonly isCongested: boolean
  /** Sends a notification or question; `call` is the request of the client that it belongs to, where that is known. */
  send(parts: Parts, call?: string): void
  /** Sends the answer to a request. */
  answer(call: string, parts: Parts): void
  /** There will be no answer to a request: the client took it back. */
  end(call: string): void
  /** Stops taking lines from the client until as many `releaseInput` calls have come. */
  holdInput(): void
  releaseInput(): void
}
