import type { Parts } from '#base/splice.ts'

/** What a line to a server has to do with a request of ours, by the request's id: it is the request, or takes it back. */
export type About = { readonly asks: number } | { readonly cancels: number }

/** What carries lines to a server and back. One carrier is one connection: once closed it stays closed. */
export interface Carrier {
  /** Whether the server does not keep up with what is sent; `onDrained` tells when it does again. */
  readonly isCongested: boolean
  send(parts: Parts, about?: About): void
  /** The session is open, in this revision of MCP. */
  setRevision(revision: string): void
  /** Nothing is wanted any more of what belongs to a request. */
  forget(request: number): void
  /** The computer slept, or something else makes it doubtful that what is open still is. */
  checkNow(): void
  /** Stops reading from the server until as many `releaseReading` calls have come. */
  holdReading(): void
  releaseReading(): void
  /** Whether somebody has suspended the server, so that it cannot be at work on anything. */
  isSuspended(): Promise<boolean>
  /** Closes it for good, within a deadline of its own. */
  stop(): Promise<void>
}

/** Why a request got no answer, though others do. */
export interface RequestFailure {
  /**
   * - `expired`: the server has forgotten the session, and has not touched the request.
   * - `refused`: it has not touched the request.
   * - `failed`: it may or may not have worked on it.
   */
  readonly kind: 'expired' | 'refused' | 'failed'
  /** Completes "… because {reason}". */
  readonly reason: string
  /** Whether it was the server itself that said so, which is a sign of life. */
  readonly isOfServer: boolean
}

/** How a carrier came to its end. */
export interface CarrierEnd {
  /** Completes "… because {reason}". */
  readonly reason: string
  /**
   * - `lost`: it broke, or the server ended it.
   * - `unreachable`: the server could not be reached; it may be later.
   * - `refused`: the server does not want us as we came; it will not later either.
   */
  readonly kind: 'lost' | 'unreachable' | 'refused'
  /** How long the server wants to be left alone, in milliseconds. */
  readonly retryAfterMs?: number
}

/** What a carrier tells, and asks. */
export interface CarrierListener {
  /** Whether a request, the opening included, still waits for its answer. */
  readonly isAwaited: (request: number) => boolean
  /** `request` is the one whose stream brought the line, where each has a stream of its own. */
  readonly onLine: (line: Buffer, request?: number) => void
  /** A line was longer than allowed and is lost; its first and last bytes. */
  readonly onTooLong: (first: Buffer, last: Buffer) => void
  /** A request will get no answer, though the carrier goes on. */
  readonly onRequestFailed: (request: number, failure: RequestFailure) => void
  /** Something makes it doubtful that the server is still there. */
  readonly onDoubtful: () => void
  /** The server has forgotten the session: nothing new can be sent, what is in flight may still come to its end. */
  readonly onExpired: () => void
  readonly onDrained: () => void
  /** Once. */
  readonly onClosed: (end: CarrierEnd) => void
}
