import type { Parts } from '#base/splice.ts'

/** What carries lines to a server and back. One carrier is one connection: once closed it stays closed. */
export interface Carrier {
  /** Whether the server does not keep up with what is sent; `onDrained` tells when it does again. */
  readonly isCongested: boolean
  send(parts: Parts): void
  /** Stops reading from the server until as many `releaseReading` calls have come. */
  holdReading(): void
  releaseReading(): void
  /** Whether somebody has suspended the server, so that it cannot be at work on anything. */
  isSuspended(): Promise<boolean>
  /** Closes it for good, within a deadline of its own. */
  stop(): Promise<void>
}

/** What a carrier tells. */
export interface CarrierListener {
  readonly onLine: (line: Buffer) => void
  /** A line was longer than allowed and is lost; its first and last bytes. */
  readonly onTooLong: (first: Buffer, last: Buffer) => void
  readonly onDrained: () => void
  /** Once. `reason` completes "… because {reason}". */
  readonly onClosed: (reason: string) => void
}
