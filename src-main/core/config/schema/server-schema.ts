import { z } from 'zod'
import { headers } from './header-schema.ts'
import {
  address,
  filledText,
  flag,
  group,
  milliseconds,
  oneOf,
  port,
  seconds,
  secondsOrNever,
  text,
  textList,
  wholeNumber,
} from './value-schemas.ts'

/** How a server can be reached, in the order of `serverSchema` and of `fallbacks`. */
export const transportTypes = ['stdio', 'http', 'sse', 'websocket', 'tcp', 'socket'] as const

/** One of `transportTypes`. */
export type TransportType = (typeof transportTypes)[number]

const exampleAddress = 'https://example.com/mcp'
const webAddress = address(exampleAddress, ['http:', 'https:'])
const webSocketAddress = address('wss://example.com/mcp', ['ws:', 'wss:'])
const variableName = z
  .string()
  .regex(/^[^=\0]+$/, 'the name of an environment variable: not empty and without "="')

const stdioKeys = {
  type: z.literal('stdio', 'stdio').default('stdio').describe('A program on this computer'),
  command: filledText.describe('The program to run; no shell is involved'),
  args: textList.default([]).describe('Arguments of the program'),
  env: z
    .record(variableName, text, 'a group of environment variables with text')
    .default({})
    .describe('Environment variables of the program, on top of those Patchbay has'),
  cwd: filledText
    .optional()
    .describe('Folder to run the program in; relative to the folder of this file when not absolute'),
}

const httpType = z
  .literal('http', 'http')
  .default('http')
  .describe('Streamable HTTP; falls back to HTTP with server-sent events')
const sseType = z.literal('sse', 'sse').describe('The older HTTP with server-sent events')
const webSocketType = z.literal('websocket', 'websocket')
const protocols = textList.optional().describe('WebSocket subprotocols')

const tcpKeys = {
  type: z.literal('tcp', 'tcp'),
  host: filledText.describe('Name or address of the computer'),
  port,
  tls: flag.optional().describe('Whether to encrypt the connection'),
}

const socketKeys = {
  type: z.literal('socket', 'socket'),
  path: filledText.describe('Path of the Unix socket, or name of the Windows pipe'),
}

const fallback = z
  .discriminatedUnion(
    'type',
    [
      group(stdioKeys),
      group({ type: httpType, url: webAddress, headers }),
      group({ type: sseType, url: webAddress, headers }),
      group({ type: webSocketType, url: webSocketAddress, headers, protocols }),
      group(tcpKeys),
      group(socketKeys),
    ],
    'a group of keys',
  )
  .meta({ id: 'transport' })

/** When a server that ended by itself is started again. */
export const restartSchema = group({
  enabled: flag.default(true),
  max: wholeNumber(0).default(5).describe('Restarts within windowSeconds; one more counts as a crash loop'),
  windowSeconds: seconds.default(300),
  delayMs: milliseconds.default(1000).describe('Wait before the first restart; doubled for each further one'),
  maxDelayMs: milliseconds.default(30_000).describe('The longest wait'),
  jitter: flag.default(true).describe('Whether waits are varied at random'),
}).meta({ id: 'restart' })

/** How long to wait for a server. */
export const timeoutsSchema = group({
  connectSeconds: seconds.default(60).describe('From the start until the server is ready'),
  requestSeconds: seconds.default(600).describe('From a request to its answer'),
  resetOnProgress: flag.default(true).describe('Whether progress of a request starts its time anew'),
}).meta({ id: 'timeouts' })

/** When a server counts as dead though its process or connection is there. */
export const healthSchema = group({
  enabled: flag.default(true),
  intervalSeconds: seconds.default(30).describe('From one check to the next'),
  timeoutSeconds: seconds.default(5).describe('How long the answer to a ping may take'),
  attempts: wholeNumber(1).default(3).describe('Pings without an answer after which a check has failed'),
  retryIntervalSeconds: seconds.default(10).describe('From one such ping to the next'),
  threshold: wholeNumber(1).default(1).describe('Failed checks in a row after which it is started again'),
}).meta({ id: 'health' })

const oauth = group({
  clientId: filledText.optional(),
  clientSecret: filledText.optional().describe('Best as ${secret:NAME}'),
  scopes: textList.optional(),
  redirectPort: port.optional(),
}).meta({ id: 'oauth' })

const endpoint = group({
  url: filledText,
  weight: wholeNumber(0).default(1),
  headers,
}).meta({ id: 'endpoint' })

const tools = group({
  disabled: textList.default([]).describe("Tools that are switched off, by the server's own names"),
  newToolsEnabled: flag.default(true).describe('Whether tools never seen before are switched on'),
}).meta({ id: 'tools' })

const commonKeys = {
  enabled: flag.default(true).describe('Whether the server is switched on'),
  isolation: oneOf(['auto', 'shared', 'session'])
    .default('auto')
    .describe(
      'One process for all clients, one for each session, or shared until the server asks its client',
    ),
  start: oneOf(['eager', 'demand']).default('eager').describe('With Patchbay, or with the first request'),
  startDelayMs: milliseconds.default(0).describe('Wait before the server is started'),
  idleStopSeconds: secondsOrNever.default(0).describe('Stop after so long without requests; 0 is never'),
  restart: restartSchema.prefault({}).describe('When a server that ended by itself is started again'),
  health: healthSchema.prefault({}).describe('Regular checks that the server answers'),
  timeouts: timeoutsSchema.prefault({}).describe('How long to wait for the server'),
  tools: tools.prefault({}),
  fallbacks: z
    .array(fallback, 'a list of transports')
    .default([])
    .describe('Other ways to reach the server, tried in order'),
  endpoints: z
    .array(endpoint, 'a list of endpoints')
    .default([])
    .describe('Several addresses of the same server'),
  balance: oneOf(['round-robin', 'weighted', 'least-in-flight', 'failover'])
    .default('round-robin')
    .describe('How requests are spread over the endpoints'),
  oauth: oauth.optional().describe('Sign-in, where the server cannot be asked for it'),
}

const noUrl = { path: ['url'], message: `an address like ${exampleAddress}` }

function hasAddress({ url, endpoints }: { url?: string | undefined; endpoints: readonly object[] }): boolean {
  return url !== undefined || endpoints.length > 0
}

/** One server: an option for each of `transportTypes`, in that order. */
export const serverSchema = z.discriminatedUnion(
  'type',
  [
    group({ ...stdioKeys, ...commonKeys }),
    // The url may be missing where there are endpoints.
    group({ type: httpType, url: webAddress.optional(), headers, ...commonKeys }).refine(hasAddress, noUrl),
    group({ type: sseType, url: webAddress.optional(), headers, ...commonKeys }).refine(hasAddress, noUrl),
    group({ type: webSocketType, url: webSocketAddress.optional(), headers, protocols, ...commonKeys }),
    group({ ...tcpKeys, ...commonKeys }),
    group({ ...socketKeys, ...commonKeys }),
  ],
  'a group of keys',
)
