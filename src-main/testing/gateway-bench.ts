import { onTestFinished } from 'vitest'
import type { GatewaySettings } from '#core/config/config.ts'
import { AccessToken } from '#core/gateway/access-token.ts'
import { HttpEndpoint, type HttpOptions } from '#core/gateway/http/http-endpoint.ts'
import { WrongTokens } from '#core/gateway/wrong-tokens.ts'
import { createLogger, type LogEntry } from '#core/observe/logger.ts'
import { HttpTestClient } from './gateway-client.ts'
import { openBench, type BenchServer, type RouterBench } from './router-bench.ts'
import { toTool } from './scripted-server.ts'
import { toWholeConfig } from './server-config.ts'

/** A bench whose router is reached over HTTP. */
export interface GatewayBench {
  readonly bench: RouterBench
  readonly endpoint: HttpEndpoint
  readonly gateway: GatewaySettings
  readonly token: AccessToken
  readonly url: string
  readonly log: readonly LogEntry[]
  /** A client with the right token that has no session yet. */
  readonly connect: (path?: string) => HttpTestClient
}

/** What is on it besides the usual. */
export interface GatewayBenchOptions {
  readonly servers?: Readonly<Record<string, BenchServer>>
  readonly gateway?: Partial<GatewaySettings>
  readonly bodyBytes?: number
  /** Whether the test starts the servers. */
  readonly isStartedByHand?: boolean
  readonly http?: Partial<HttpOptions>
}

/** Time-outs that no test comes to by letting fake time pass. */
export const patientTimeouts = { connectSeconds: 600, requestSeconds: 600, resetOnProgress: true }

const secret = 'right-token-'.repeat(4)

/** Settings of a gateway on a free port. */
export function toGatewaySettings(changes: Partial<GatewaySettings> = {}): GatewaySettings {
  return { ...toWholeConfig([]).gateway, host: '127.0.0.1', port: 0, ...changes }
}

/**
 * Starts the servers, `s` with a tool `x` and a resource `a:1` unless others are given, and listens; taken down when the
 * test is over.
 */
export async function openGatewayBench(options: GatewayBenchOptions = {}): Promise<GatewayBench> {
  const script = { tools: [toTool('x')], resources: ['{"uri":"a:1","name":"a"}'] }
  const usual = { s: { script, config: { timeouts: patientTimeouts } } }
  const bench = await openBench({ servers: options.servers ?? usual })
  if (options.isStartedByHand !== true) await bench.start()
  const log: LogEntry[] = []
  const logger = createLogger([(entry) => log.push(entry)])
  const gateway = toGatewaySettings(options.gateway)
  const token = new AccessToken(secret)
  const endpoint = new HttpEndpoint({
    gateway,
    limits: { messageBytes: 1_000_000, bodyBytes: options.bodyBytes ?? 1_000_000 },
    token,
    wrongTokens: new WrongTokens(logger),
    router: bench.router,
    logger,
    ...options.http,
  })
  await endpoint.open()
  onTestFinished(() => endpoint.close())
  const url = endpoint.url ?? ''
  return {
    bench,
    endpoint,
    gateway,
    token,
    url,
    log,
    connect: (path = '/mcp') => new HttpTestClient(url, path, secret),
  }
}
