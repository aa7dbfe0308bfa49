import { z } from 'zod'
import { gatewaySchema } from './gateway-schema.ts'
import { serverSchema } from './server-schema.ts'
import { flag, group, text, textList, wholeNumber } from './value-schemas.ts'

const bytes = wholeNumber(1)
const serverName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9-]{0,30}$/,
    'a server name of up to 31 letters, digits and hyphens that begins with a letter or digit',
  )

const limitsSchema = group({
  messageBytes: bytes.default(67_108_864).describe('The longest message of a server or client, in bytes'),
  bodyBytes: bytes.default(67_108_864).describe('The longest body of an HTTP request, in bytes'),
})

const logsSchema = group({
  maxBytes: bytes.default(10_485_760).describe('Size at which a log file is rotated'),
  keepDays: wholeNumber(1).default(2).describe('Days after which rotated files are removed'),
})

const serverOverride = group({
  enabled: flag.optional().describe('Whether the server is switched on'),
  tools: group({
    disabled: textList.optional().describe("Tools that are switched off, by the server's own names"),
  }).optional(),
}).meta({ id: 'override' })

const overridesSchema = group({
  servers: z
    .record(serverName, serverOverride, 'a group with a key for each server')
    .default({})
    .describe('Switches of servers, by name; those of servers that are not there have no effect'),
})

/** Everything that may stand in a configuration file, built or not. */
export const configSchema = group({
  $schema: text.optional().describe('Where the schema of this file is, for editors'),
  version: z.literal(1, 'the number 1').describe('Version of this format'),
  servers: z
    .record(serverName, serverSchema, 'a group with a key for each server')
    .default({})
    .describe('The MCP servers, by name'),
  gateway: gatewaySchema.prefault({}).describe('What clients reach'),
  logs: logsSchema.prefault({}).describe('Log files of the servers'),
  limits: limitsSchema.prefault({}).describe('What is too large'),
  profiles: z.record(text, z.unknown(), 'a group of profiles').default({}).describe('Not built yet'),
  overrides: overridesSchema
    .prefault({})
    .describe('Switches set in the app on top of a configuration file that it may not write'),
}).meta({
  title: 'Patchbay configuration',
  description: 'Which MCP servers Patchbay runs, and how clients reach them.',
})

/** A configuration file that fits, with all defaults filled in. */
export type ConfigFile = z.output<typeof configSchema>
