import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignNames, guessServer, type Naming, type Origin } from './names.ts'

const namings: readonly Naming[] = ['server__tool', 'mcp__proxy__server__tool', 'tool']

function name(origins: readonly (readonly [string, string])[], naming: Naming, maxLength = 50): string[] {
  return assignNames(
    origins.map(([server, tool]) => ({ server, name: tool })),
    { naming, maxLength },
  )
}

const anyServer = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,30}$/)
// A small alphabet with what is replaced, so that clashes do happen.
const anyTool = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '_', '.', 'é', '-'), minLength: 1, maxLength: 4 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
)
const anyOrigins = fc
  .uniqueArray(fc.record({ server: fc.oneof(fc.constantFrom('s', 't'), anyServer), name: anyTool }), {
    selector: ({ server, name: tool }) => `${server}\0${tool}`,
    maxLength: 20,
  })
  .map((origins): readonly Origin[] => origins)
const anyRules = fc.record({
  naming: fc.constantFrom(...namings),
  maxLength: fc.integer({ min: 16, max: 128 }),
})

describe('names of tools', () => {
  it('are <server>__<tool>, mcp__proxy__<server>__<tool> or the bare tool, as gateway.naming says', () => {
    const origins = [['files', 'read']] as const
    expect(namings.map((naming) => name(origins, naming))).toEqual([
      ['files__read'],
      ['mcp__proxy__files__read'],
      ['read'],
    ])
  })

  it('have only A-Z, a-z, 0-9, _ and -: all else becomes _', () => {
    expect(name([['s', 'a.b/c d-é_Z9']], 'server__tool')).toEqual(['s__a_b_c_d-__Z9'])
  })

  it('that fit exactly stay whole; one character more is cut and gets _ and 7 hex digits', () => {
    const [whole, cut] = name(
      [
        ['s', 'a'.repeat(17)],
        ['s', 'b'.repeat(18)],
      ],
      'server__tool',
      20,
    )
    expect(whole).toBe(`s__${'a'.repeat(17)}`)
    expect(cut).toMatch(/^s__b{9}_[0-9a-f]{7}$/)
  })

  it('that clash in one server all get a hash of their own; the others stay plain', () => {
    const [first, second, third] = name(
      [
        ['s', 'a.b'],
        ['s', 'a_b'],
        ['s', 'ab'],
      ],
      'server__tool',
    )
    expect(first).toMatch(/^s__a_b_[0-9a-f]{7}$/)
    expect(second).toMatch(/^s__a_b_[0-9a-f]{7}$/)
    expect(first).not.toBe(second)
    expect(third).toBe('s__ab')
  })

  it('that several servers have get their server in front when names are bare', () => {
    const origins = [
      ['one', 'read'],
      ['two', 'read'],
      ['two', 'write'],
    ] as const
    expect(name(origins, 'tool')).toEqual(['one__read', 'two__read', 'write'])
  })

  it('with their server in front that clash with a bare name get a hash', () => {
    const names = name(
      [
        ['one', 'read'],
        ['two', 'read'],
        ['three', 'one__read'],
      ],
      'tool',
    )
    expect(new Set(names).size).toBe(3)
    expect(names[1]).toBe('two__read')
  })

  it('are written down here, so that no release changes them by accident', () => {
    expect(name([['files', 'read a very long name that has to be cut']], 'server__tool', 30)).toEqual([
      'files__read_a_very_lon_16c2010',
    ])
  })

  it('never clash, never are too long, never have another character (property)', () => {
    fc.assert(
      fc.property(anyOrigins, anyRules, (origins, rules) => {
        const names = assignNames(origins, rules)
        expect(names).toHaveLength(origins.length)
        expect(new Set(names).size).toBe(names.length)
        for (const one of names) {
          expect(one).toMatch(/^[A-Za-z0-9_-]+$/)
          expect(one.length).toBeLessThanOrEqual(rules.maxLength)
        }
      }),
    )
  })

  it('are the same in whatever order the servers and tools come (property)', () => {
    const shuffled = anyOrigins.chain((origins) =>
      fc.tuple(fc.constant(origins), fc.shuffledSubarray([...origins], { minLength: origins.length })),
    )
    fc.assert(
      fc.property(shuffled, anyRules, ([origins, others], rules) => {
        const toTable = (list: readonly Origin[]): Map<Origin, string | undefined> => {
          const names = assignNames(list, rules)
          return new Map(list.map((origin, index) => [origin, names[index]]))
        }
        const table = toTable(others)
        for (const [origin, own] of toTable(origins)) expect(table.get(origin)).toBe(own)
      }),
    )
  })

  it('of a server stay the same whatever other servers come, when they have their server in front (property)', () => {
    const rules = fc.record({
      naming: fc.constantFrom<Naming>('server__tool', 'mcp__proxy__server__tool'),
      maxLength: fc.integer({ min: 50, max: 128 }),
    })
    fc.assert(
      fc.property(anyOrigins, rules, (origins, { naming, maxLength }) => {
        const own = origins.filter(({ server }) => server === 's')
        const alone = assignNames(own, { naming, maxLength })
        const together = assignNames(origins, { naming, maxLength })
        const among = origins.flatMap(({ server }, index) => (server === 's' ? [together[index]] : []))
        expect(among).toEqual(alone)
      }),
    )
  })
})

describe('guessServer', () => {
  it('tells which server a name that is in no table looks like it belongs to', () => {
    const servers = ['a', 'a-b']
    expect(guessServer('a-b__x', servers, 'server__tool')).toBe('a-b')
    expect(guessServer('mcp__proxy__a__x', servers, 'mcp__proxy__server__tool')).toBe('a')
    expect(guessServer('a__x', servers, 'tool')).toBe('a')
  })

  it('tells nothing about names that begin like no server', () => {
    expect(guessServer('a_x', ['a'], 'server__tool')).toBeUndefined()
    expect(guessServer('a__x', ['a'], 'mcp__proxy__server__tool')).toBeUndefined()
    expect(guessServer('x', ['a'], 'tool')).toBeUndefined()
  })
})
