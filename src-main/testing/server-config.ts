import type { ServerConfig, StdioTransport } from '#core/config/config.ts'

/** A server as configured, with what a test does not care about filled in: restarted fast, at most five times. */
export function toServerConfig(
  transport: StdioTransport,
  changes: Partial<Omit<ServerConfig, 'transport'>> = {},
): ServerConfig {
  return {
    name: 'files',
    enabled: true,
    transport,
    isolation: 'auto',
    restart: { enabled: true, max: 5, windowSeconds: 300, delayMs: 10, maxDelayMs: 40, jitter: false },
    timeouts: { connectSeconds: 20, requestSeconds: 20, resetOnProgress: true },
    tools: { disabled: [] },
    ...changes,
  }
}
