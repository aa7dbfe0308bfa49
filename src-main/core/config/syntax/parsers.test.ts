import { describe, expect, it } from 'vitest'
import type { ConfigNode } from './config-node.ts'
import { parseJson } from './parse-json.ts'
import { parseToml } from './parse-toml.ts'
import { parseYaml } from './parse-yaml.ts'

function toPlain(node: ConfigNode | undefined): unknown {
  if (node?.kind === 'list') return node.items.map(toPlain)
  if (node?.kind === 'map')
    return Object.fromEntries(Array.from(node.entries, ([k, { value }]) => [k, toPlain(value)]))
  return node?.value
}

describe('parseYaml', () => {
  const plain = (text: string) => toPlain(parseYaml(text).root)
  const sentences = (text: string) => parseYaml(text).faults.map(({ at, message }) => `${at}: ${message}`)

  it('reads all kinds of values, and keys as text', () => {
    expect(plain('a: 1\n2: [x, true, null, 1.5]\nc: {d: "e", f}\ng:\n')).toEqual({
      a: 1,
      2: ['x', true, null, 1.5],
      c: { d: 'e', f: null },
      g: null,
    })
    expect(plain('# nothing\n')).toBeUndefined()
  })

  it('follows aliases, but not for ever', () => {
    expect(plain('a: &x {b: 1}\nc: *x\n')).toEqual({ a: { b: 1 }, c: { b: 1 } })
    expect(parseYaml('a: &x [*x]')).toMatchObject({ root: undefined, faults: [{ code: 'syntax' }] })
    const lines = [...Array(12).keys()].map(
      (i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`,
    )
    const laughs = ['a0: &a0 [x]', ...lines].join('\n')
    expect(sentences(laughs)).toEqual([expect.stringContaining('This is too large or nested too deeply.')])
  })

  it('takes for an alias what stood there last before it, as it was then', () => {
    const text = 'a: &x 1\nb: &y {c: &z 2, d: *x}\ne: &x 3\nf: *y\ng: *x\nh: &z 4\ni: *y\nj: *z\n'
    const b = { c: 2, d: 1 }
    expect(plain(text)).toEqual({ a: 1, b, e: 3, f: b, g: 3, h: 4, i: b, j: 4 })
  })

  it('refuses more aliases than anybody writes, at once', () => {
    const withAliases = (count: number) => `a: &a x\nl: [${Array(count).fill('*a').join(',')}]\n`
    expect(parseYaml(withAliases(1000)).faults).toEqual([])
    expect(sentences(withAliases(1001))).toEqual([expect.stringMatching(/^3012: There are more than 1000/)])
    const start = performance.now()
    expect(sentences(withAliases(20_000))).toHaveLength(1)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  it.each([
    'a: *hunter2',
    'a: !hunter2 x',
    'a: !hunter2!x y',
    'a: "\\xhunter2"',
    '%hunter2\n---\na: 1',
    'a: |hunter2\n  x',
  ])('repeats nothing of what may be a password: %s', (text) => {
    expect(sentences(text)).not.toEqual([])
    expect(sentences(text).join()).not.toContain('hunter')
  })

  it('refuses tags, second documents, aliases of nothing and keys that are no text', () => {
    expect(sentences('a: !include x')).toEqual([
      '3: This is not valid YAML: a value that begins with ! is a tag, and this one is not known (quotes make it text).',
    ])
    expect(sentences('a: 1\n---\nb: 2')).toEqual([
      '5: This is not valid YAML: a second document begins here, where one is expected.',
    ])
    expect(sentences('a: *none')).toHaveLength(1)
    expect(sentences('? [a]\n: 1')).toHaveLength(1)
  })

  it('reports the first error of each line', () => {
    expect(sentences('a: [1\nb: "x')).not.toHaveLength(0)
    expect(sentences('['.repeat(3000)).length).toBeLessThan(3)
  })
})

describe('parseJson', () => {
  it('reads all kinds of values, with comments', () => {
    const { root } = parseJson('// c\n{"a":1,/* d */"b":["x",true,null,{"c":-1.5}]}')
    expect(toPlain(root)).toEqual({ a: 1, b: ['x', true, null, { c: -1.5 }] })
    expect(parseJson(' // nothing\n')).toEqual({ root: undefined, faults: [] })
  })

  it.each([
    ['{"a":1,}', 7, 'a key in double quotes is expected here (and no comma after the last one)'],
    ['{"a" 1}', 5, 'a colon is expected here'],
    ['{"a":1 "b":2}', 7, 'a comma is expected here'],
    ['{"a":[1,2', 9, 'a closing ] is missing here'],
    ['{"a":yes}', 5, 'this word is not known here (text stands in double quotes)'],
    ['{"a":1} 2', 8, 'nothing more is expected after the end of the value'],
  ])('says what is wrong with %s', (text, at, sentence) => {
    expect(parseJson(text)).toEqual({
      root: undefined,
      faults: [{ code: 'syntax', path: [], at, message: `This is not valid JSON: ${sentence}.` }],
    })
  })

  it('reports an error for each line that has one of its own', () => {
    expect(parseJson('{"a" 1,\n"b" 2}').faults.map(({ at }) => at)).toEqual([5, 12])
  })
})

describe('parseToml', () => {
  const plain = (text: string) => toPlain(parseToml(text).root)

  it('reads tables, dotted keys, lists of tables and inline tables', () => {
    const text = [
      'a = 1',
      'b.c.d = "x"',
      'b.c."e f" = [true, 1.5, {g = 1, h.i = 2}]',
      '[t.u]',
      'x = "y"',
      '[t]',
      "'q' = 1",
      '[[l]]',
      'n = 1',
      '[[l]]',
      'n = 2',
      '[l.sub]',
      'k = 3',
    ].join('\r\n')
    expect(plain(text)).toEqual({
      a: 1,
      b: { c: { d: 'x', 'e f': [true, 1.5, { g: 1, h: { i: 2 } }] } },
      t: { u: { x: 'y' }, q: 1 },
      l: [{ n: 1 }, { n: 2, sub: { k: 3 } }],
    })
    expect(plain('# nothing')).toBeUndefined()
    expect(plain('[a]\n')).toEqual({ a: {} })
  })

  it('says what is wrong', () => {
    expect(parseToml('a = \n').faults).toEqual([
      { code: 'syntax', path: [], at: 3, message: 'This is not valid TOML: Unspecified values are invalid.' },
    ])
    expect(parseToml('a = 1\n"a" = 2').faults).toEqual([
      {
        code: 'duplicate-key',
        path: [],
        at: 6,
        message: 'The key "a" stands here a second time; each key may be given once.',
      },
    ])
  })
})
