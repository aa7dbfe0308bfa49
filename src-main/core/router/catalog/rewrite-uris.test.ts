import { describe, expect, it } from 'vitest'
import { readHead } from '#base/json-head.ts'
import { splice } from '#base/splice.ts'
import { findUriRewrites } from './rewrite-uris.ts'

const aliases = new Map([
  ['x://1', 'patchbay://s/1'],
  ['x://2', 'patchbay://s/2'],
])

/** The result as a client gets it. */
function rewrite(result: string): string {
  const line = Buffer.from(`{"id":1,"result":${result}}`)
  const changes = findUriRewrites(line, readHead(line).result, (uri) => aliases.get(uri))
  return Buffer.concat(splice(line, changes)).toString().slice('{"id":1,"result":'.length, -1)
}

describe('URIs in results', () => {
  it('of contents are rewritten, and no other byte is', () => {
    expect(rewrite('{ "contents":[{"text":"x://1", "uri" : "x:\\/\\/1","n":1.0},{"uri":"x://3"}]}')).toBe(
      '{ "contents":[{"text":"x://1", "uri" : "patchbay://s/1","n":1.0},{"uri":"x://3"}]}',
    )
  })

  it('of links and embedded resources are rewritten, of other blocks not', () => {
    expect(
      rewrite(
        '{"content":[{"type":"resource_link","uri":"x://1"},{"type":"resource","resource":{"uri":"x://2"}},{"type":"text","uri":"x://1"},{"type":"odd","uri":"x://1"},{"type":"resource"}]}',
      ),
    ).toBe(
      '{"content":[{"type":"resource_link","uri":"patchbay://s/1"},{"type":"resource","resource":{"uri":"patchbay://s/2"}},{"type":"text","uri":"x://1"},{"type":"odd","uri":"x://1"},{"type":"resource"}]}',
    )
  })

  it('of a prompt message with one block are rewritten', () => {
    expect(
      rewrite(
        '{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"x://1"}}},{"role":"user"}]}',
      ),
    ).toBe(
      '{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"patchbay://s/1"}}},{"role":"user"}]}',
    )
  })

  it('of a prompt message with several blocks are rewritten', () => {
    expect(
      rewrite('{"messages":[{"content":[{"type":"text"},{"type":"resource_link","uri":"x://1"}]}]}'),
    ).toBe('{"messages":[{"content":[{"type":"text"},{"type":"resource_link","uri":"patchbay://s/1"}]}]}')
  })

  it('in the data of tools stay', () => {
    const result = '{"structuredContent":{"uri":"x://1","contents":[{"uri":"x://1"}]},"uri":"x://1"}'
    expect(rewrite(result)).toBe(result)
  })

  it.each([
    'null',
    '[]',
    '{"contents":{"uri":"x://1"}}',
    '{"content":"x://1"}',
    '{"contents":[1,{"uri":1}]}',
  ])('are not looked for where there is no list of blocks: %s', (result) => {
    expect(rewrite(result)).toBe(result)
  })
})
