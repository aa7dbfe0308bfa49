import type { Transport } from '../config/config.ts'
import type { FailureKind } from '../supervisor/restart-policy.ts'
import type { CarrierEnd } from './connection/carrier.ts'
import { OpeningTimedOut } from './connection/handshake.ts'

const fetcher = /(?:^|[\\/])(?:npx|pnpx|bunx|uvx|pipx|docker)(?:\.\w+)?$/i

/** Why a server could not be started or reached; completes "… because". */
export function toFailureReason(error: unknown, transport: Transport): string {
  const reason = error instanceof Error ? error.message : String(error)
  const isFetched = transport.type === 'stdio' && fetcher.test(transport.command)
  if (!(error instanceof OpeningTimedOut) || !isFetched) return reason
  // Programs that fetch a server before they run it are slow the first time, and silent without a network.
  const cause = 'it may still be fetching, or cannot reach the network'
  return `${reason} (${cause}: run it once in a terminal, or raise timeouts.connectSeconds)`
}

/**
 * Whether it may be otherwise by itself. A program of ours that fails will fail again; a server behind an address is away
 * for reasons that are none of ours, unless it says that it does not want us. `isSilent` when it did not answer in time.
 */
export function toFailureKind(
  transport: Transport,
  end: CarrierEnd | undefined,
  isSilent: boolean,
): FailureKind {
  const isAnswer = end === undefined && !isSilent
  const isElsewhere = transport.type !== 'stdio'
  return {
    isElsewhere,
    isPassing: isElsewhere && !isAnswer && end?.kind !== 'refused',
    retryAfterMs: end?.retryAfterMs ?? 0,
  }
}
