// Writes assets/config.schema.json from the schema of the configuration.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toConfigJsonSchema } from '../src-main/core/config/schema/json-schema.ts'

const file = path.resolve(import.meta.dirname, '../assets/config.schema.json')
await writeFile(file, toConfigJsonSchema())
