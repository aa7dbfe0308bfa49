import { describe, expect, it } from 'vitest'
import { isSameList, parseItems } from './list-items.ts'

const read = (kind: Parameters<typeof parseItems>[0], text: string) => {
  const bytes = Buffer.from(text)
  return parseItems(kind, bytes, { start: 0, end: bytes.length })
}

describe('parseItems', () => {
  it('gives each item as its bytes and tells where its key stands in them', () => {
    const items = read('resources', '[ {"n": 1.0, "uri" : "a:\\u0062"} ,{"uri":"c","x":9007199254740993}]')
    expect(items.map((item) => [item.key, item.bytes.toString()])).toEqual([
      ['a:b', '{"n": 1.0, "uri" : "a:\\u0062"}'],
      ['c', '{"uri":"c","x":9007199254740993}'],
    ])
    const { bytes, keySpan } = items[0]!
    expect(bytes.toString('utf8', keySpan.start, keySpan.end)).toBe(String.raw`"a:\u0062"`)
  })

  it.each([
    ['tools', 'name'],
    ['prompts', 'name'],
    ['resources', 'uri'],
    ['resourceTemplates', 'uriTemplate'],
  ] as const)('knows %s by their %s', (kind, key) => {
    expect(read(kind, `[{"name":"n","uri":"u","uriTemplate":"t"}]`)[0]?.key).toBe(
      key === 'uriTemplate' ? 't' : key[0],
    )
  })

  it('leaves out what nobody could ask for: without a key, or with the key of one before it', () => {
    const items = read(
      'tools',
      '[{"name":"a","v":1},{"title":"x"},{"name":5},7,null,{"name":"a","v":2},{"name":"b"}]',
    )
    expect(items.map(({ bytes }) => bytes.toString())).toEqual(['{"name":"a","v":1}', '{"name":"b"}'])
  })

  it('finds none where there is no array', () => {
    expect(read('tools', '{}')).toEqual([])
    expect(parseItems('tools', Buffer.from('x'), undefined)).toEqual([])
  })

  it('holds on to none of the memory that it was read from', () => {
    const bytes = Buffer.from('[{"name":"a"}]')
    const [item] = parseItems('tools', bytes, { start: 0, end: bytes.length })
    bytes.fill(0)
    expect(item?.bytes.toString()).toBe('{"name":"a"}')
  })
})

describe('isSameList', () => {
  it('compares byte for byte and in order', () => {
    const list = read('tools', '[{"name":"a"},{"name":"b"}]')
    expect(isSameList(list, read('tools', '[{"name":"a"},{"name":"b"}]'))).toBe(true)
    expect(isSameList(list, read('tools', '[{"name":"b"},{"name":"a"}]'))).toBe(false)
    expect(isSameList(list, read('tools', '[{"name":"a"},{"name": "b"}]'))).toBe(false)
    expect(isSameList(list, list.slice(0, 1))).toBe(false)
    expect(isSameList([], [])).toBe(true)
  })
})
