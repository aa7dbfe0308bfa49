import type { Config, GatewaySettings, ServerConfig, StdioTransport } from '#core/config/config.ts'

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
    start: 'eager',
    startDelayMs: 0,
    idleStopSeconds: 0,
    health: {
      enabled: false,
      intervalSeconds: 30,
      timeoutSeconds: 5,
      attempts: 3,
      retryIntervalSeconds: 10,
      threshold: 1,
    },
    restart: { enabled: true, max: 5, windowSeconds: 300, delayMs: 10, maxDelayMs: 40, jitter: false },
    timeouts: { connectSeconds: 20, requestSeconds: 20, resetOnProgress: true },
    tools: { disabled: [] },
    ...changes,
  }
}

/** A configuration of these servers, with defaults for the rest. */
export function toWholeConfig(
  servers: readonly ServerConfig[],
  gateway: Partial<GatewaySettings> = {},
): Config {
  return {
    servers,
    gateway: { naming: 'server__tool', maxToolNameLength: 50, ...gateway },
    logs: { maxBytes: 10_485_760, keepDays: 2 },
    limits: { messageBytes: 1_000_000 },
  }
}
