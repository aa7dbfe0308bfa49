import { z } from 'zod'
import { configSchema } from './config-schema.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const token = { type: 'string', pattern: '^\\$\\{[^}]+\\}$' }
const flexibleTypes = ['number', 'integer', 'boolean']
const annotations = ['description', 'default', 'title']

/** The JSON Schema of a configuration file: the text of assets/config.schema.json. */
export function toConfigJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-07' })
  return `${JSON.stringify(acceptTokens(schema as Json), null, 2)}\n`
}

/** A token may stand wherever something other than free text is wanted: it is replaced before values are judged. */
function acceptTokens(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(acceptTokens)
  if (!isGroup(schema)) return schema
  const entries = Object.entries(schema)
  const isFlexible = flexibleTypes.some((type) => schema['type'] === type) || Object.hasOwn(schema, 'enum')
  if (!isFlexible) {
    return Object.fromEntries(entries.map(([key, value]) => [key, acceptTokens(value)]))
  }
  const notes = entries.filter(([key]) => annotations.includes(key))
  const rest = entries.filter(([key]) => !annotations.includes(key))
  return { ...Object.fromEntries(notes), anyOf: [Object.fromEntries(rest), token] }
}

function isGroup(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
