import { OpeningTimedOut } from './connection/handshake.ts'

const fetcher = /(?:^|[\\/])(?:npx|pnpx|bunx|uvx|pipx|docker)(?:\.\w+)?$/i

/** Why a server could not be started; completes "… because". `command` is its program, as configured. */
export function toFailureReason(error: unknown, command: string): string {
  const reason = error instanceof Error ? error.message : String(error)
  if (!(error instanceof OpeningTimedOut) || !fetcher.test(command)) return reason
  // Programs that fetch a server before they run it are slow the first time, and silent without a network.
  const cause = 'it may still be fetching, or cannot reach the network'
  return `${reason} (${cause}: run it once in a terminal, or raise timeouts.connectSeconds)`
}
