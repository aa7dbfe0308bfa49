import type { HttpTransport, ServerConfig } from '../config/config.ts'
import { shortenQuotations } from '#base/plain-text.ts'
import { decodePart, isRandom } from '../config/shown-address.ts'
import { createLogger, redacted, type Logger } from '../observe/logger.ts'
import type { ServerOutput } from '../observe/server-output.ts'
import type { Carrier, CarrierListener } from './connection/carrier.ts'
import { openStdioCarrier } from './connection/stdio-carrier.ts'
import { openHttpCarrier } from './http/open-http-carrier.ts'
import type { UpstreamContext } from './upstream-context.ts'

/** Opens a carrier to a server; once for each session with it. */
export type OpenCarrier = (listener: CarrierListener) => Carrier

/** What preparing needs besides what all upstreams share. */
export interface PrepareOptions {
  readonly context: UpstreamContext
  readonly output: ServerOutput
  readonly logger: Logger
}

/** Finds out how a server is reached, as far as that takes time. Rejects with a sentence that completes "… because". */
export async function prepareTransport(server: ServerConfig, options: PrepareOptions): Promise<OpenCarrier> {
  const { name, transport, timeouts } = server
  const { context, output, logger } = options
  const { host, launcher, limits, http } = context
  const { messageBytes } = limits
  if (transport.type === 'stdio') {
    const { command, args, env, cwd } = transport
    const ready = await launcher.prepare({ command, args, env, cwd })
    const { platform } = host
    return (listener) =>
      openStdioCarrier(launcher.launch(ready, name), { platform, messageBytes, output, logger }, listener)
  }
  const { type, url, headers } = transport
  const connectMs = timeouts.connectSeconds * 1000
  // What a server says in a refusal may repeat what it was shown.
  const redact = (text: string): string => shortenQuotations(output.redact(text))
  const safe = createLogger([
    redacted(redact, ({ level, message, fields }) => {
      logger[level](message, fields)
    }),
  ])
  const target = { client: http, url, headers, connectMs, messageBytes, logger: safe }
  return (listener) => openHttpCarrier(type, target, listener)
}

/** What a server prints; secrets of the server as it is configured now are masked there. */
export function findOutput(
  { name, transport }: ServerConfig,
  { outputs, host }: UpstreamContext,
): ServerOutput {
  const inherited = host.env
  if (transport.type === 'stdio') return outputs.get(name, transport.env, { args: transport.args, inherited })
  const { headers, url } = transport
  return outputs.get(name, headers, { args: [url], inherited, values: findAddressSecrets(transport) })
}

/** Why a server failed, as it may be shown: what it said may repeat what it was shown. */
export function redactReason(reason: string, server: ServerConfig, context: UpstreamContext): string {
  return shortenQuotations(findOutput(server, context).redact(reason))
}

/**
 * What stands in headers after a scheme such as Bearer, which is as good as the whole, the values of the query, and what
 * looks like a key elsewhere in the address.
 */
function findAddressSecrets({ headers, url }: HttpTransport): readonly string[] {
  const afterSchemes = Object.values(headers).flatMap((value) => /^[\w-]+ +(.+)$/.exec(value)?.slice(1) ?? [])
  const { hostname, pathname, searchParams } = new URL(url)
  const parts = [...hostname.split('.'), ...pathname.split('/')].filter(isRandom)
  return [...afterSchemes, ...searchParams.values(), ...parts, ...parts.map(decodePart)]
}
