import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configOf, json } from '../../../testing/config-texts.ts'
import { addServers, createConfigText } from './edit.ts'

const added = [{ as: 'new', entry: { command: 'x', args: ['${A}'] } }]

describe('addServers', () => {
  it('begins a configuration', () => {
    expect(createConfigText([...added, { as: 'b', entry: { command: 'y' } }])).toBe(`{
  "version": 1,
  "servers": {
    "new": {
      "command": "x",
      "args": [
        "\${A}"
      ]
    },
    "b": {
      "command": "y"
    }
  }
}
`)
  })

  it('keeps every other character: comments, order, indentation, line ends, mark', () => {
    const text = `\uFEFF{
\t// first
\t"version": 1,
\t"servers": {
\t\t"old": { "command": "\${OLD}" } // of old
\t\t/* and more */
\t}, // behind
\t"gateway": { "naming": "tool" }
}`.replaceAll('\n', '\r\n')
    expect(addServers(text, [{ as: 'new', entry: { command: 'x' } }])).toBe(
      `\uFEFF{
\t// first
\t"version": 1,
\t"servers": {
\t\t"old": { "command": "\${OLD}" }, // of old
\t\t/* and more */
\t\t"new": {
\t\t\t"command": "x"
\t\t}
\t}, // behind
\t"gateway": { "naming": "tool" }
}`.replaceAll('\n', '\r\n'),
    )
  })

  it.each([
    '{"version":1}',
    '{"version":1,"servers":{}}',
    '{"version":1,"servers":{"a":{"command":"a"}}}',
    '{ "servers": { // none yet\n}, "version": 1 }',
    '{ "version": 1, "servers": null }',
    '{ "version": 1 // one\n}',
    '{ "version": 1 /* one */ }',
    '{\n    "version": 1,\n    "servers": {\n        "a": { "command": "a" }\n    }\n}\n',
  ])('gives a configuration that holds, with what was there: %j', (text) => {
    const before = configOf(json(text))
    const after = addServers(text, added)
    const { servers, ...rest } = configOf(json(after, { A: 'b' }))
    expect(servers.map(({ name }) => name)).toEqual([...before.servers.map(({ name }) => name), 'new'])
    expect(servers.at(-1)?.transport).toMatchObject({ command: 'x', args: ['b'] })
    expect({ ...rest, servers: servers.slice(0, -1) }).toEqual({ ...before })
    // What was there is there still, in order.
    let from = 0
    for (const character of text.replace('null', '')) {
      from = after.indexOf(character, from) + 1
      expect(from).toBeGreaterThan(0)
    }
  })

  it('whatever the texts, they are read as they were written', () => {
    const odd = fc.constantFrom(
      '"',
      '\\',
      '\n',
      '\r',
      '\t',
      '//',
      '/*',
      '}',
      ',',
      '\u2028',
      '\uFEFF',
      '日',
      '🦊',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.string())), (args) => {
        const safe = args.map((arg) => arg.replaceAll('${', ''))
        const text = addServers('{ "version": 1 // c\n}', [{ as: 'a', entry: { command: 'x', args: safe } }])
        expect(configOf(json(text)).servers[0]?.transport).toMatchObject({ args: safe })
      }),
    )
  })

  it('wants a configuration', () => {
    expect(() => addServers('[]', added)).toThrow(TypeError)
  })
})
