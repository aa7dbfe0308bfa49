import type { Parts } from '#base/splice.ts'

/** The carrier of one client, as the router sees it: a socket, stdin and stdout, or an HTTP stream. */
export interface ClientPort {
  /** Whether the client does not keep up with what is sent to it. */
  readonly isCongested: boolean
  send(parts: Parts): void
  /** Stops taking lines from the client until as many `releaseInput` calls have come. */
  holdInput(): void
  releaseInput(): void
}
