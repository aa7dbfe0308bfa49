import { describe, expect, it } from 'vitest'
import { emptyLists, listKinds, parseItems, type ListKind } from '../../upstream/lists/list-items.ts'
import { Catalog, type CatalogEntry } from './catalog.ts'
import type { Naming } from './names.ts'

type Texts = Partial<Record<ListKind, string>>

function toEntry(server: string, texts: Texts, own: Partial<CatalogEntry> = {}): CatalogEntry {
  const lists = { ...emptyLists }
  for (const kind of listKinds) {
    const bytes = Buffer.from(texts[kind] ?? '[]')
    lists[kind] = parseItems(kind, bytes, { start: 0, end: bytes.length })
  }
  return { server, lists, disabledTools: new Set(), isShown: true, ...own }
}

function toCatalog(entries: readonly CatalogEntry[], naming: Naming = 'server__tool'): Catalog {
  return new Catalog(entries, { naming, maxLength: 50 })
}

describe('lists', () => {
  it('keep the bytes of every item but for its name, in the order of the configuration', () => {
    const catalog = toCatalog([
      toEntry('a', { tools: '[ {"x":1.0, "name" : "t\\u0065st","big":9007199254740993} ,{"name":"b"}]' }),
      toEntry('b', { tools: '[{"name":"c","x":{"name":"inner"}}]' }),
    ])
    expect(catalog.toResult('tools').toString()).toBe(
      '{"tools":[{"x":1.0, "name" : "a__test","big":9007199254740993},{"name":"a__b"},{"name":"b__c","x":{"name":"inner"}}]}',
    )
  })

  it('of nothing are empty, and asked for twice are the same', () => {
    const catalog = toCatalog([])
    for (const kind of listKinds) {
      expect(catalog.toResult(kind).toString()).toBe(`{"${kind}":[]}`)
      expect(catalog.toResult(kind)).toBe(catalog.toResult(kind))
    }
  })

  it('hide tools that are switched off, which are found all the same to say so', () => {
    const catalog = toCatalog([
      toEntry(
        'a',
        { tools: '[{"name":"on"},{"name":"off"}]', prompts: '[{"name":"off"}]' },
        {
          disabledTools: new Set(['off']),
        },
      ),
    ])
    expect(catalog.toResult('tools').toString()).toBe('{"tools":[{"name":"a__on"}]}')
    expect(catalog.toResult('prompts').toString()).toBe('{"prompts":[{"name":"a__off"}]}')
    expect(catalog.findName('tools', 'a__off')).toMatchObject({ server: 'a', key: 'off', isDisabled: true })
    expect(catalog.findName('prompts', 'a__off')).toMatchObject({ isDisabled: false })
  })
})

describe('a server that is not shown', () => {
  const catalog = toCatalog(
    [
      toEntry('a', { tools: '[{"name":"t"}]', resources: '[{"uri":"x://1"}]' }, { isShown: false }),
      toEntry('b', { tools: '[{"name":"t"}]', resources: '[{"uri":"x://1"}]' }),
    ],
    'tool',
  )

  it('is in no list, but what it had is found, so that the answer can say what is wrong with it', () => {
    expect(catalog.toResult('tools').toString()).toBe('{"tools":[{"name":"b__t"}]}')
    expect(catalog.findName('tools', 'a__t')).toMatchObject({ server: 'a' })
    expect(catalog.findUri('x://1')).toMatchObject({ server: 'a' })
  })

  it('leaves the names and URIs of the others as they were', () => {
    expect(catalog.toResult('resources').toString()).toBe(
      '{"resources":[{"uri":"patchbay://b/x%3A%2F%2F1"}]}',
    )
  })
})

describe('names', () => {
  const catalog = toCatalog([
    toEntry('a', { tools: '[{"name":"read.it"},{"name":"both"}]', prompts: '[{"name":"ask"}]' }),
    toEntry('b', { tools: '[{"name":"both"}]' }),
  ])

  it('lead to the server and to its own name', () => {
    expect(catalog.findName('tools', 'a__read_it')).toMatchObject({ server: 'a', key: 'read.it' })
    expect(catalog.findName('tools', 'b__both')).toMatchObject({ server: 'b', key: 'both' })
    expect(catalog.findName('prompts', 'a__ask')).toMatchObject({ server: 'a', key: 'ask' })
  })

  it('may be bare while only one server has them', () => {
    expect(catalog.findName('tools', 'read.it')).toMatchObject({ server: 'a', key: 'read.it' })
    expect(catalog.findName('tools', 'both')).toBeUndefined()
    expect(catalog.findName('tools', 'ask')).toBeUndefined()
  })
})

describe('URIs', () => {
  const shared = '[{"uri":"x://1","n":1.0},{"uri":"x://2"}]'
  const catalog = toCatalog([
    toEntry('a', { resources: shared }),
    toEntry('b', { resources: '[{"n":1.0,"uri":"x://1"},{"uri":"x://3"}]' }),
    toEntry('c', { resources: '[{"uri":"x://1"}]' }),
  ])

  it('stay as they are; of one that several servers offer the later ones get an alias', () => {
    expect(catalog.toResult('resources').toString()).toBe(
      '{"resources":[{"uri":"x://1","n":1.0},{"uri":"x://2"},{"n":1.0,"uri":"patchbay://b/x%3A%2F%2F1"},{"uri":"x://3"},{"uri":"patchbay://c/x%3A%2F%2F1"}]}',
    )
    expect(catalog.findUri('x://1')).toMatchObject({ server: 'a', key: 'x://1' })
    expect(catalog.findUri('patchbay://b/x%3A%2F%2F1')).toMatchObject({ server: 'b', key: 'x://1' })
    expect(catalog.findUri('x://3')).toMatchObject({ server: 'b', key: 'x://3' })
    expect(catalog.findUri('x://4')).toBeUndefined()
  })

  it('have aliases only in the servers that need them', () => {
    expect(catalog.aliasesOf('a')).toBeUndefined()
    const toAlias = catalog.aliasesOf('b')
    expect(['x://1', 'x://3', 'x://2'].map((uri) => toAlias?.(uri))).toEqual([
      'patchbay://b/x%3A%2F%2F1',
      undefined,
      undefined,
    ])
  })

  it('of a server that writes an alias itself take nothing from another server', () => {
    const own = 'patchbay://b/x%3A%2F%2F1'
    const sly = toCatalog([
      toEntry('a', { resources: `[{"uri":"x://1"},{"uri":"${own}"}]` }),
      toEntry('b', { resources: '[{"uri":"x://1"}]' }),
    ])
    const { resources } = JSON.parse(sly.toResult('resources').toString()) as { resources: { uri: string }[] }
    expect(new Set(resources.map(({ uri }) => uri)).size).toBe(3)
    expect(sly.findUri(own)).toMatchObject({ server: 'a', key: own })
  })

  it('that are no proper Unicode break nothing', () => {
    const odd = '[{"uri":"x://\\ud800"}]'
    const catalogWithOdd = toCatalog([toEntry('a', { resources: odd }), toEntry('b', { resources: odd })])
    expect(catalogWithOdd.findUri('x://\ud800')).toMatchObject({ server: 'a' })
  })
})

describe('templates', () => {
  it('lead a URI in nobody’s list to the server whose template matches, the owner first', () => {
    const catalog = toCatalog([
      toEntry('a', { resourceTemplates: '[{"uriTemplate":"x://{id}"}]' }),
      toEntry('b', { resources: '[{"uri":"x://1"}]' }),
    ])
    expect(catalog.findUri('x://1')).toMatchObject({ server: 'b', key: 'x://1' })
    expect(catalog.findUri('x://2')).toEqual({ server: 'a', key: 'x://2', isDisabled: false })
  })

  it('that match both: the one with the most literal text wins, of equals the first', () => {
    const catalog = toCatalog([
      toEntry('a', { resourceTemplates: '[{"uriTemplate":"x://{+any}"}]' }),
      toEntry('b', { resourceTemplates: '[{"uriTemplate":"x://books/{id}"}]' }),
      toEntry('c', { resourceTemplates: '[{"uriTemplate":"x://books/{no}"}]' }),
    ])
    expect(catalog.findUri('x://books/7')).toMatchObject({ server: 'b' })
    expect(catalog.findUri('x://films/7')).toMatchObject({ server: 'a' })
  })

  it('that two servers have: the later one gets an alias, which leads to it with its own URI', () => {
    const template = '[{"uriTemplate":"x://{id}"}]'
    const catalog = toCatalog([
      toEntry('a', { resourceTemplates: template }),
      toEntry('b', { resourceTemplates: template }),
    ])
    expect(catalog.toResult('resourceTemplates').toString()).toBe(
      '{"resourceTemplates":[{"uriTemplate":"x://{id}"},{"uriTemplate":"patchbay://b/x%3A%2F%2F{id}"}]}',
    )
    expect(catalog.findUri('x://7')).toMatchObject({ server: 'a', key: 'x://7' })
    expect(catalog.findUri('patchbay://b/x%3A%2F%2F7')).toMatchObject({ server: 'b', key: 'x://7' })
    expect(catalog.findTemplate('patchbay://b/x%3A%2F%2F{id}')).toMatchObject({
      server: 'b',
      key: 'x://{id}',
    })
    expect(catalog.findTemplate('x://{other}')).toBeUndefined()
  })
  it('that have an alias give the URIs in answers theirs, but for those that are listed as they are', () => {
    const catalog = toCatalog([
      toEntry('a', { resourceTemplates: '[{"uriTemplate":"x://{id}"}]' }),
      toEntry('b', { resourceTemplates: '[{"uriTemplate":"x://{id}"}]', resources: '[{"uri":"x://own"}]' }),
    ])
    const toAlias = catalog.aliasesOf('b')
    expect(toAlias?.('x://7')).toBe('patchbay://b/x%3A%2F%2F7')
    expect(toAlias?.('x://own')).toBeUndefined()
    expect(toAlias?.('y://7')).toBeUndefined()
  })
})

describe('templates of a hostile server', () => {
  const toTemplates = (toText: (index: number) => string): string =>
    JSON.stringify([...new Array<undefined>(2000).keys()].map((index) => ({ uriTemplate: toText(index) })))

  it.each([
    ['of 120 pieces', (index: number) => `x{+a}${'x{a}'.repeat(58)}${index}y`, 'x'.repeat(4096)],
    ['of 120 pieces', (index: number) => `x{+a}${'x{a}'.repeat(58)}{v${index}}x`, 'x'.repeat(2048)],
    ['of few', (index: number) => `x${'{+a}x'.repeat(15)}{v${index}}y`, 'x'.repeat(2048)],
    ['that nearly match', (index: number) => `${'x{a}'.repeat(15)}{v${index}}`, `${'x'.repeat(2000)}/x`],
    [
      'that nearly match late',
      (index: number) => `{+b}xx${'{a}xx'.repeat(14)}{v${index}}xx`,
      `${`${'x'.repeat(28)}/`.repeat(70)}xx`,
    ],
  ])('%s cost no time to speak of: case %#', (what, toText, uri) => {
    expect(what).toBeDefined()
    const catalog = toCatalog([toEntry('a', { resourceTemplates: toTemplates(toText) })])
    const started = performance.now()
    expect(catalog.findUri(uri)).toBeUndefined()
    const took = performance.now() - started
    expect(took).toBeLessThan(1000)
  })

  it('do not keep those of others from being found', () => {
    const hostile = toTemplates((index) => `${'x{a}'.repeat(15)}{v${index}}`)
    const catalog = toCatalog([
      toEntry('a', { resourceTemplates: hostile }),
      toEntry('b', { resourceTemplates: '[{"uriTemplate":"x{+rest}"}]' }),
    ])
    expect(catalog.findUri(`${'x'.repeat(2000)}/x`)).toMatchObject({ server: 'b' })
  })
})
