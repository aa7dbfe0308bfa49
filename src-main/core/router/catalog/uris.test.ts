import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as uris from './uris.ts'
import { parseTemplate, toAlias, toTemplateAlias } from './uris.ts'

const matchTemplate = (template: string, uri: string): string[] | undefined =>
  uris.matchTemplate(parseTemplate(template), uri, uris.toEffort())
const fillTemplate = (template: string, values: readonly string[]): string =>
  uris.fillTemplate(parseTemplate(template), values)
const countLiteral = (template: string): number => parseTemplate(template).literal

describe('aliases', () => {
  it('are patchbay://<server>/<percent-encoded uri>', () => {
    expect(toAlias('docs', 'file:///a b?c=1#é')).toBe(
      'patchbay://docs/file%3A%2F%2F%2Fa%20b%3Fc%3D1%23%C3%A9',
    )
  })

  it('of templates keep the expressions and encode the rest', () => {
    expect(toTemplateAlias('docs', 'file:///{+path}.x/{name}')).toBe(
      'patchbay://docs/file%3A%2F%2F%2F{+path}.x%2F{name}',
    )
  })

  it('of URIs that are no proper Unicode can be made all the same', () => {
    expect(toAlias('docs', 'x://\ud800')).toMatch(/^patchbay:\/\/docs\/x%3A%2F%2F/)
    expect(toTemplateAlias('docs', 'x://\ud800{a}')).toMatch(/^patchbay:\/\/docs\/x%3A%2F%2F.*\{a\}$/)
  })

  it('lead back to the template by what their expressions stand for', () => {
    const template = 'db://rows/{table}/{id}'
    const values = matchTemplate(toTemplateAlias('db', template), 'patchbay://db/db%3A%2F%2Frows%2Fusers%2F7')
    expect(values).toEqual(['users', '7'])
    expect(fillTemplate(template, values ?? [])).toBe('db://rows/users/7')
  })
})

describe('templates', () => {
  it.each([
    ['file:///{name}', 'file:///a.txt', ['a.txt']],
    ['file:///{name}', 'file:///a/b', undefined],
    ['file:///{name}', 'http://a', undefined],
    ['file:///{+path}', 'file:///a/b', ['a/b']],
    ['file://{/path*}', 'file:///a/b', ['/a/b']],
    ['page://x{#part}', 'page://x#a/b', ['#a/b']],
    ['find://all{?q,n}', 'find://all?q=a/b&n=1', ['?q=a/b&n=1']],
    ['find://all{?q}', 'find://all', ['']],
    ['find://all?x=1{&q}', 'find://all?x=1&q=2', ['&q=2']],
    ['a://{x}/b/{y}', 'a://1/b/2', ['1', '2']],
    ['a://{x}/b/{y}', 'a://1/c/2', undefined],
    ['a://{x}.json', 'a://1.json.json', ['1.json']],
    ['a://{x}.json', 'a://1.json.xml', undefined],
    ['a://{x}/end', 'a://end', undefined],
    ['a://fixed', 'a://fixed', []],
    ['a://fixed', 'a://fixed/more', undefined],
    ['a://{x}{y}', 'a://12', ['', '12']],
    ['a://{unclosed', 'a://{unclosed', []],
  ])('%s and %s give %j', (template, uri, values) => {
    expect(matchTemplate(template, uri)).toEqual(values)
  })

  it('with an expression that may hold slashes before a literal match as RFC 6570 expands them', () => {
    const values = matchTemplate('repo:///{+folder}/{name}', 'repo:///a/b/c')
    expect(values && fillTemplate('repo:///{+folder}/{name}', values)).toBe('repo:///a/b/c')
    expect(values?.[1]).toBe('c')
  })

  it('give back the URI that they were filled to (property)', () => {
    const literal = fc.stringMatching(/^[a-z:/]{1,6}$/)
    const value = fc.stringMatching(/^[A-Z0-9]{0,6}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(literal, value), { minLength: 1, maxLength: 8 }), (pieces) => {
        const template = pieces.map(([text], index) => `${text}{v${index}}`).join('')
        const values = pieces.map(([, text]) => text)
        const uri = fillTemplate(template, values)
        expect(matchTemplate(template, uri)).toEqual(values)
      }),
    )
  })

  it('that match give the URI again when filled with what matched (property)', () => {
    const piece = fc.constantFrom('{a}', '{+b}', '{?c}', '/', 'x', 'xx', '.')
    const text = fc.string({ unit: fc.constantFrom('/', 'x', '.', '?'), maxLength: 12 })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), text, (pieces, uri) => {
        const template = pieces.join('')
        const values = matchTemplate(template, uri)
        if (values !== undefined) expect(fillTemplate(template, values)).toBe(uri)
      }),
      { numRuns: 1000 },
    )
  })

  it('have at most 16 expressions and match URIs of at most 2048 characters', () => {
    expect(matchTemplate('{a}x'.repeat(16), 'x'.repeat(16))).toHaveLength(16)
    expect(matchTemplate('{a}x'.repeat(17), 'x'.repeat(17))).toBeUndefined()
    expect(matchTemplate('a://{x}', `a://${'b'.repeat(2044)}`)).toEqual(['b'.repeat(2044)])
    expect(matchTemplate('a://{x}', `a://${'b'.repeat(2045)}`)).toBeUndefined()
  })

  it('lack nothing when too few texts fill them', () => {
    expect(fillTemplate('a://{x}/{y}', ['1'])).toBe('a://1/')
  })

  it('count what is literal in them', () => {
    expect([countLiteral('a://{x}/b'), countLiteral('{x}{y}'), countLiteral('')]).toEqual([6, 0, 0])
  })

  it.each([
    ['{a}x'.repeat(20_000), `${'x'.repeat(8000)}!`],
    ['{a}'.repeat(100_000), 'x'],
    ['{'.repeat(100_000), '{'.repeat(8000)],
    ['a{+a}b{+b}c', `a${'b'.repeat(8000)}`],
    [`${'{+a}x'.repeat(20)}y`, 'x'.repeat(1500)],
    [`${'{a}x'.repeat(20)}y`, 'x'.repeat(1500)],
    [`${'{+a}x{b}x/'.repeat(10)}y`, 'xx/'.repeat(500)],
    ['{+a}x', 'x'.repeat(10_000_000)],
  ])('of a hostile server cost no time to speak of: case %#', (template, uri) => {
    const started = performance.now()
    expect(matchTemplate(template, uri)?.length).not.toBe(0)
    countLiteral(template)
    toTemplateAlias('s', template)
    // What tries every place for every expression takes minutes for these.
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
