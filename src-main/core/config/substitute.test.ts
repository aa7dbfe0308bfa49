import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fault } from './fault.ts'
import { substitute, substituteAll } from './substitute.ts'
import { createScalar, findNode, type ListNode, type MapNode } from './syntax/config-node.ts'

const env = { HOME: '/home/me', EMPTY: '', PORT: '8080', TRICKY: '${HOME} $& }' }
const textOf = (source: string) => substitute(source, env).text
const complaintsOf = (source: string) => substitute(source, env).complaints

describe('substitute', () => {
  it('leaves text without ${ as it is', () => {
    fc.assert(
      fc.property(
        fc
          .string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', '\n', 'é') })
          .filter((s) => !s.includes('${')),
        (source) => {
          expect(substitute(source, env)).toEqual({ text: source, origin: 'file', complaints: [] })
        },
      ),
    )
    fc.assert(
      fc.property(fc.string(), (any) => {
        const source = any.replaceAll('${', '$')
        expect(textOf(source)).toBe(source)
      }),
    )
  })

  it.each([
    ['${HOME}', '/home/me'],
    ['${EMPTY}', ''],
    ['a${HOME}b${PORT}c', 'a/home/meb8080c'],
    ['${NONE:-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${PORT:-default}', '8080'],
    ['${NONE-default}', 'default'],
    ['${EMPTY-default}', ''],
    ['${NONE:-}', ''],
    ['${NONE:-a:-b\nc}', 'a:-b\nc'],
    ['${PORT:?is needed}', '8080'],
    ['$${HOME}', '${HOME}'],
    ['$${${PORT}', '${8080'],
    ['${PORT}$${PORT}${PORT}', '8080${PORT}8080'],
    ['$$${PORT}', '$${PORT}'],
    ['$HOME', '$HOME'],
    ['$HOME ${PORT} $', '$HOME 8080 $'],
    ['${TRICKY}', '${HOME} $& }'],
  ])('makes %s to %s', (source, wanted) => {
    expect(substitute(source, env)).toMatchObject({ text: wanted, complaints: [] })
  })

  it('tells what came of exactly one token', () => {
    expect(substitute('${PORT}', env).origin).toBe('token')
    expect(substitute('${NONE:-1}', env).origin).toBe('token')
    expect(substitute('1${PORT}', env).origin).toBe('mixed')
    expect(substitute('${PORT}${PORT}', env).origin).toBe('mixed')
    expect(substitute('$${PORT}', env).origin).toBe('file')
    expect(substitute('${NONE}', env).origin).toBe('unknown')
    expect(substitute('x${NONE}', env).origin).toBe('unknown')
  })

  it('names a variable that is not set', () => {
    expect(complaintsOf('${NONE}')).toEqual([
      {
        code: 'missing-variable',
        message:
          'The environment variable NONE is not set; expected it to be set, or a default as in ${NONE:-default}.',
      },
    ])
  })

  it('gives the message of ${VAR:?message}, unset or empty', () => {
    const message = 'The environment variable EMPTY is missing: get one at example.com'
    expect(complaintsOf('${EMPTY:?get one at example.com}')).toEqual([{ code: 'missing-variable', message }])
    expect(complaintsOf('${NONE:?}')).toEqual([
      {
        code: 'missing-variable',
        message: 'The environment variable NONE is missing: expected it to be set and not empty',
      },
    ])
  })

  it.each([
    '${HOME',
    'a ${',
    '${}',
    '${1A}',
    '${A B}',
    '${A:+x}',
    '${A?x}',
    '${A:-${B}}',
    '${secret:}',
    '${ A }',
  ])('refuses the malformed %s', (source) => {
    expect(complaintsOf(source).map(({ code }) => code)).toEqual(['invalid-token'])
  })

  it('refuses secrets as not built', () => {
    expect(complaintsOf('${secret:files-key}')).toMatchObject([{ code: 'not-built' }])
  })

  it('reports every token that fails', () => {
    expect(complaintsOf('${A} ${B} ${1}')).toHaveLength(3)
  })

  it('does not take what every object has for variables', () => {
    expect(complaintsOf('${constructor} ${__proto__}')).toHaveLength(2)
  })
})

describe('substituteAll', () => {
  it('reaches values in groups and lists, not keys, and places complaints', () => {
    const list: ListNode = {
      kind: 'list',
      at: 20,
      items: [createScalar(21, '${PORT}'), createScalar(30, '${NONE}')],
    }
    const root: MapNode = { kind: 'map', at: 0, entries: new Map([['${HOME}', { keyAt: 3, value: list }]]) }
    const faults: Fault[] = []
    const result = substituteAll({ ...root }, env, faults)
    expect(findNode(result, ['${HOME}', 0])).toEqual({
      kind: 'scalar',
      at: 21,
      value: '8080',
      origin: 'token',
    })
    expect(faults).toMatchObject([{ code: 'missing-variable', path: ['${HOME}', 1], at: 30 }])
  })
})
