import type { Config, GatewaySettings, ServerConfig, Transport } from '#core/config/config.ts'

/** A server as configured, with what a test does not care about filled in: restarted fast, at most five times. */
export function toServerConfig(
  transport: Transport,
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

/** What holds where nothing is said of the gateway, but for a port that is free. */
const gatewayDefaults: GatewaySettings = {
  host: '127.0.0.1',
  port: 0,
  auth: 'token',
  naming: 'server__tool',
  maxToolNameLength: 50,
  allowedHosts: [],
  allowedOrigins: [],
}

/** A configuration of these servers, with defaults for the rest; the gateway takes any free port. */
export function toWholeConfig(
  servers: readonly ServerConfig[],
  gateway: Partial<GatewaySettings> = {},
): Config {
  return {
    servers,
    gateway: { ...gatewayDefaults, ...gateway },
    logs: { maxBytes: 10_485_760, keepDays: 2 },
    limits: { messageBytes: 1_000_000, bodyBytes: 1_000_000 },
  }
}
