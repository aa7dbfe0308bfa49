import { describe, expect, it } from 'vitest'
import { json, textsOf } from '../../testing/config-texts.ts'

describe('many problems', () => {
  const keys = (count: number) => [...Array(count).keys()].map((index) => `"key${index}": { "x": 1 }`)

  it('are told up to a hundred, and how many more there are', () => {
    const texts = textsOf(json(`{\n"version": 1,\n${keys(103).join(',\n')}\n}`))
    expect(texts).toHaveLength(101)
    expect(texts[0]).toMatch(/^\/base\/c\.json:3:1 key0: /)
    expect(texts[99]).toMatch(/^\/base\/c\.json:102:1 key99: /)
    expect(texts[100]).toBe(
      '/base/c.json:103:1: There are 3 more problems from here on; mend those above first.',
    )
    expect(textsOf(json(`{"version": 1,\n${keys(101).join()}}`)).at(-1)).toContain(
      'There is 1 more problem from',
    )
  })

  it('take little time, of whatever kind they are', () => {
    const start = performance.now()
    const many = 200_000
    for (const text of [
      `{"version": 1,\n${keys(20_000).join(',\n')}}`,
      `{"version": 1,\n${`"a": 1,\n`.repeat(20_000)}"b": 1}`,
      `{"version": 1,\n"servers": {${keys(20_000).join(',\n')}}}`,
      `{"version": 1, "servers": {"a": {"command": "x", "args": [${Array(many).fill('1').join()}]}}}`,
      `{"version": 1, "servers": {"a": {"command": "x", "args": [${Array(20_000).fill('"${"').join()}]}}}`,
      `{"version": 1, "${'servers'.repeat(50_000)}": 1}`,
      `{${','.repeat(100_000)}`,
    ]) {
      expect(textsOf(json(text)).length).toBeLessThan(102)
    }
    expect(performance.now() - start).toBeLessThan(15_000)
  }, 60_000)
})
