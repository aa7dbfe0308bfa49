import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  findMember,
  findPath,
  idKey,
  readElements,
  readHead,
  readMembers,
  readString,
  type Span,
} from './json-head.ts'

const slice = (bytes: Buffer, span: Span | undefined) => span && bytes.toString('utf8', span.start, span.end)

/** JSON text with spaces and escapes that JSON.stringify would not write. */
const looseJson = fc
  .tuple(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(undefined, 1, '\t', ' \r\n '))
  .map(([value, space]) =>
    JSON.stringify(value, null, space).replaceAll('/', '\\/').replaceAll('e', '\\u0065'),
  )
  .filter((text) => isJson(text))

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    return !(error instanceof SyntaxError)
  }
}

describe('readMembers', () => {
  it('sees what JSON.parse sees, in any valid JSON object', () => {
    fc.assert(
      fc.property(looseJson, (text) => {
        const value: unknown = JSON.parse(text)
        const bytes = Buffer.from(text)
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          expect(() => readMembers(bytes)).toThrow(SyntaxError)
          return
        }
        const read = new Map<string, unknown>()
        for (const [key, span] of readMembers(bytes)) read.set(key, JSON.parse(slice(bytes, span) ?? ''))
        expect(read).toEqual(new Map(Object.entries(value)))
      }),
      { numRuns: 2000 },
    )
  })

  it('never accepts at the level that it reads what JSON.parse refuses for its structure', () => {
    const soup = fc
      .array(fc.constantFrom('{', '}', '[', ']', '"a"', ':', ',', '1', '-', 'null', ' ', '"'))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(soup, (text) => {
        const bytes = Buffer.from(`{"a":${text}}`)
        let members: Map<string, Span>
        try {
          members = readMembers(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
          expect(isJson(bytes.toString())).toBe(false)
          return
        }
        if (isJson(bytes.toString())) return
        // Accepted all the same: then the fault lies inside a value that was only passed over.
        const faults = [...members.values()].filter((span) => !isJson(slice(bytes, span) ?? ''))
        expect(faults.length).toBeGreaterThan(0)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    '',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1}}',
    '{"a":1} x',
    '{a:1}',
    '{"a" 1}',
    '{"a":01}',
    '{"a":tru}',
    '{"a":"',
  ])('refuses %j', (text) => {
    expect(() => readMembers(Buffer.from(text))).toThrow(SyntaxError)
  })

  it('takes the last of two members with one name, however it is written', () => {
    const bytes = Buffer.from(String.raw`{"id":1,"\u0069d":2}`)
    expect(slice(bytes, readMembers(bytes).get('id'))).toBe('2')
  })
})

describe('skipping strings', () => {
  it('finds the end of long strings full of escapes', () => {
    const pieces = fc.array(fc.constantFrom('\\', '"', 'x', 'é', '\u{1f600}', '\n', 'y'.repeat(30)), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('')
        const bytes = Buffer.from(JSON.stringify({ before: text, [`${text}!`]: 1, after: 2 }))
        const members = readMembers(bytes)
        expect(readString(bytes, members.get('before'))).toBe(text)
        expect(slice(bytes, members.get('after'))).toBe('2')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('readHead', () => {
  it('finds the members of a message in any order', () => {
    const bytes = Buffer.from('{"params":{"a":[1]},"x":null, "method" : "m/n","jsonrpc":"2.0","id":"7"}')
    const head = readHead(bytes)
    expect(head.method).toBe('m/n')
    expect(slice(bytes, head.id)).toBe('"7"')
    expect(slice(bytes, head.params)).toBe('{"a":[1]}')
    expect(readHead(Buffer.from('{"result":null,"id":1}'))).toMatchObject({ result: { start: 10, end: 14 } })
    expect(readHead(Buffer.from('{"error":{},"method":5}'))).toEqual({ error: { start: 9, end: 11 } })
  })

  it('knows its members however their names are written, and no others by names like theirs', () => {
    const names = ['id', 'method', 'params', 'result', 'error', 'ix', 'metho', 'methods', 'Params', 'i', '']
    const written = names.flatMap((name) => [
      JSON.stringify(name),
      `"${name.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)}"`,
    ])
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...written)), (keys) => {
        const bytes = Buffer.from(`{${keys.map((key, at) => `${key}:"${at}"`).join(',')}}`)
        const value = JSON.parse(bytes.toString()) as Record<string, string>
        const head = readHead(bytes)
        expect(head.method).toBe(value['method'])
        for (const key of ['id', 'params', 'result', 'error'] as const)
          expect(readString(bytes, head[key])).toBe(value[key])
      }),
    )
  })

  it('refuses a name with an escape that there is not', () => {
    expect(() => readHead(Buffer.from(String.raw`{"\x":1}`))).toThrow(SyntaxError)
  })
})

describe('skipping numbers', () => {
  it('ends where the number does, and refuses what is none', () => {
    const digits = fc.array(fc.constantFrom('0', '1', '9', '-', '.', 'e', 'E', '+', 'a'), { minLength: 1 })
    fc.assert(
      fc.property(digits, fc.constantFrom('', ' ', '\n'), (parts, space) => {
        const text = parts.join('')
        const bytes = Buffer.from(`{"a":${text}${space},"b":1}`)
        if (!isJson(text)) expect(() => readMembers(bytes)).toThrow(SyntaxError)
        else expect(slice(bytes, readMembers(bytes).get('a'))).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses a number after which the line breaks off', () => {
    for (const text of ['{"a":12', '{"a":0', '{"a":-'])
      expect(() => readMembers(Buffer.from(text))).toThrow(SyntaxError)
  })
})

describe('findMember, findPath, readElements, readString', () => {
  const bytes = Buffer.from('{"a":{"b":{"c":"x\\n"}},"list":[ 1 , [2,3],{} ],"none":[]}')
  const whole = { start: 0, end: bytes.length }

  it('walk into what is there', () => {
    expect(readString(bytes, findPath(bytes, whole, ['a', 'b', 'c']))).toBe('x\n')
    const list = findMember(bytes, whole, 'list')
    expect(readElements(bytes, list).map((span) => slice(bytes, span))).toEqual(['1', '[2,3]', '{}'])
    expect(readElements(bytes, findMember(bytes, whole, 'none'))).toEqual([])
  })

  it('find nothing in what is not there or of another kind', () => {
    expect(findPath(bytes, whole, ['a', 'nothing', 'c'])).toBeUndefined()
    expect(findPath(bytes, whole, ['list', 'b'])).toBeUndefined()
    expect(readElements(bytes, undefined)).toEqual([])
    expect(readElements(bytes, whole)).toEqual([])
    expect(readString(bytes, whole)).toBeUndefined()
    expect(() => readElements(Buffer.from('[1 2]'), { start: 0, end: 5 })).toThrow(SyntaxError)
  })
})

describe('idKey', () => {
  it('is one for one id, and tells numbers from strings', () => {
    const key = (text: string) => idKey(Buffer.from(text), { start: 0, end: text.length })
    expect(key('1')).not.toBe(key('"1"'))
    expect(key('"a"')).toBe(key(String.raw`"\u0061"`))
    expect(key('9007199254740993')).not.toBe(key('9007199254740992'))
  })
})
