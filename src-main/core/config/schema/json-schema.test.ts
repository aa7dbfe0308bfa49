import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { toConfigJsonSchema } from './json-schema.ts'

const file = path.resolve(import.meta.dirname, '../../../../assets/config.schema.json')

it('is what assets/config.schema.json holds (else: node scripts/config-schema.mjs)', async () => {
  expect(await readFile(file, 'utf8')).toBe(toConfigJsonSchema())
})

it('has a title, describes keys, and takes a token where a number is wanted', () => {
  expect(JSON.parse(toConfigJsonSchema())).toMatchObject({
    title: 'Patchbay configuration',
    required: ['version'],
    additionalProperties: false,
    properties: {
      gateway: {
        properties: {
          maxToolNameLength: {
            default: 50,
            anyOf: [
              { type: 'integer', minimum: 16, maximum: 128 },
              { type: 'string', pattern: String.raw`^\$\{[^}]+\}$` },
            ],
          },
        },
      },
    },
  })
})
