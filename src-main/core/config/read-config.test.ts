import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig, readConfig } from './read-config.ts'
import { codesOf, configOf, json, textsOf, textsOfServer, toml, yaml } from '../../testing/config-texts.ts'

describe('a version that is not known yet', () => {
  it('is the one problem, whatever else looks wrong', () => {
    const text = 'servers: { s: { novelty: 1 } }\nnovelty: 1\nversion: 2\n'
    const wanted =
      '/base/c.yaml:3:10 version: This was written for a newer Patchbay (version 2 of this format, where 1 is known here); update Patchbay.'
    expect(textsOf(yaml(text))).toEqual([wanted])
    expect(codesOf(toml('version = 17'))).toEqual(['newer-version'])
    expect(codesOf(yaml('version: "${V}"', { V: '2' }))).toEqual(['newer-version'])
    expect(codesOf(yaml('version: 1.5'))).toEqual(['invalid-value'])
  })
})

describe('keys', () => {
  it('that are unknown are refused with their line and what was meant', () => {
    const wanted = 'The key "comand" is not known here; did you mean "command"?'
    expect(textsOf(yaml('version: 1\nservers:\n  a:\n    command: x\n    comand: x\n'))).toEqual([
      `/base/c.yaml:5:5 servers.a.comand: ${wanted}`,
    ])
    expect(textsOf(json('{\n"version": 1,\n"servers": {"a": {"command": "x",\n  "comand": "x"}}}'))).toEqual([
      `/base/c.json:4:3 servers.a.comand: ${wanted}`,
    ])
    expect(textsOf(toml('version = 1\n[servers.a]\r\ncommand = "x"\r\n  comand = "x"'))).toEqual([
      `/base/c.toml:4:3 servers.a.comand: ${wanted}`,
    ])
  })

  it('that are unknown at the top or deep down are refused too', () => {
    expect(textsOf(yaml('version: 1\nmcpServers: {}\nfoo: 1'))).toEqual([
      '/base/c.yaml:2:1 mcpServers: The key "mcpServers" is not known here; it is one of an editor\'s file, from which `patchbay import FILE` takes the servers.',
      '/base/c.yaml:3:1 foo: The key "foo" is not known here; expected one of $schema, version, servers, gateway, logs, limits, profiles, overrides.',
    ])
    expect(textsOfServer('{ command: x, restart: { maximum: 1 } }')).toEqual([
      '/base/c.yaml:3:31 servers.s.restart.maximum: The key "maximum" is not known here; expected one of enabled, max, windowSeconds, delayMs, maxDelayMs, jitter.',
    ])
  })

  it('that are misspelt are complained of once, also when they must be there', () => {
    const text = 'verison: 1\nservers:\n  a: { comand: x }\n  b: { comand: x, command: 7 }\n'
    expect(textsOf(yaml(text))).toEqual([
      '/base/c.yaml:1:1 verison: The key "verison" is not known here; did you mean "version"?',
      '/base/c.yaml:3:8 servers.a.comand: The key "comand" is not known here; did you mean "command"?',
      '/base/c.yaml:4:8 servers.b.comand: The key "comand" is not known here; did you mean "command"?',
      '/base/c.yaml:4:28 servers.b.command: Expected text, but this is a number (quotes make it text).',
    ])
  })

  it('that stand twice are refused in every format', () => {
    const wanted = 'The key "command" stands here a second time; each key may be given once.'
    expect(textsOf(yaml('version: 1\nservers:\n  a:\n    command: x\n    command: y\n'))).toEqual([
      `/base/c.yaml:5:5 servers.a.command: ${wanted}`,
    ])
    expect(textsOf(json('{"version": 1,\n"servers": {"a": {"command": "x",\n"command": "y"}}}'))).toEqual([
      `/base/c.json:3:1 servers.a.command: ${wanted}`,
    ])
    expect(textsOf(toml('version = 1\n[servers.a]\ncommand = "x"\ncommand = "y"'))).toEqual([
      `/base/c.toml:4:1: ${wanted}`,
    ])
  })

  it('called __proto__ are refused, and those called constructor are nothing special', () => {
    expect(textsOf(yaml('version: 1\n__proto__: { x: 1 }'))).toEqual([
      '/base/c.yaml:2:1 __proto__: The key "__proto__" cannot be used; expected another name.',
    ])
    expect(codesOf(json('{"version":1,"servers":{"__proto__":{"command":"x"}}}'))).toEqual(['unknown-key'])
    expect(codesOf(json('{"version":1,"servers":{"a":{"command":"x","env":{"__proto__":"x"}}}}'))).toEqual([
      'unknown-key',
    ])
    expect(codesOf(toml('version=1\n[servers.a]\ncommand="x"\nconstructor="x"\ntoString="x"'))).toEqual([
      'unknown-key',
      'unknown-key',
    ])
    const { servers } = configOf(yaml('version: 1\nservers: { constructor: { command: x } }'))
    expect(servers.map(({ name }) => name)).toEqual(['constructor'])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})

describe('server names', () => {
  it('have a form', () => {
    const wanted =
      'This name cannot be used; expected a server name of up to 31 letters, digits and hyphens that begins with a letter or digit.'
    const long = 'a'.repeat(32)
    expect(
      textsOf(yaml(`version: 1\nservers:\n  a_b: {command: x}\n  -c: {command: x}\n  ${long}: {command: x}`)),
    ).toEqual([
      `/base/c.yaml:3:3 servers.a_b: ${wanted}`,
      `/base/c.yaml:4:3 servers.-c: ${wanted}`,
      `/base/c.yaml:5:3 servers.${long}: ${wanted}`,
    ])
  })

  it('that differ only in letter case are refused', () => {
    const wanted =
      'The server names "files" and "Files" differ only in capital letters; expected another name.'
    expect(textsOf(yaml('version: 1\nservers:\n  files: {command: x}\n  Files: {command: x}'))).toEqual([
      `/base/c.yaml:4:3 servers.Files: ${wanted}`,
    ])
    expect(textsOf(toml('version=1\n[servers.files]\ncommand="x"\n[servers.Files]\ncommand="x"'))).toEqual([
      `/base/c.toml:4:10 servers.Files: ${wanted}`,
    ])
  })
})

describe('files', () => {
  let folder = ''
  const place = (name: string) => path.join(folder, name)
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'patchbay-config-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true })
  })

  it('are read, with paths relative to their folder', async () => {
    await writeFile(place('c.yaml'), '\uFEFFversion: 1\nservers: { s: { command: ./run, cwd: sub } }')
    expect(configOf((await readConfig(place('c.yaml'), {})).result).servers[0]?.transport).toMatchObject({
      command: place('sub/run'),
      cwd: place('sub'),
    })
  })

  it('that cannot be read are problems', async () => {
    await writeFile(place('latin.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9]))
    const texts = await Promise.all(
      [place('none.yaml'), folder, place('latin.yaml'), 'a\0b.yaml'].map(async (file) =>
        textsOf((await readConfig(file, {})).result),
      ),
    )
    expect(texts).toEqual([
      [`${place('none.yaml')}: There is no such file; expected a configuration file.`],
      [`${folder}: This is a folder; expected a configuration file.`],
      [`${place('latin.yaml')}: This file is not UTF-8 text; expected a configuration file.`],
      ['a\0b.yaml: This file cannot be read (ERR_INVALID_ARG_VALUE); expected a configuration file.'],
    ])
  })

  it.skipIf(process.platform === 'win32')(
    'that are pipes, devices or too large are refused at once',
    async () => {
      execFileSync('mkfifo', [place('pipe.yaml')])
      await symlink('/dev/zero', place('zero.yaml'))
      await writeFile(place('long.yaml'), Buffer.alloc(16 * 1024 * 1024 + 1, ' '))
      const results = await Promise.all(
        ['pipe.yaml', 'zero.yaml', 'long.yaml'].map(
          async (name) => (await readConfig(place(name), {})).result,
        ),
      )
      expect(results.flatMap(codesOf)).toEqual(['unreadable', 'unreadable', 'unreadable'])
      expect(results.flatMap(textsOf)).toEqual([
        `${place('pipe.yaml')}: This is no regular file; expected a configuration file.`,
        `${place('zero.yaml')}: This is no regular file; expected a configuration file.`,
        `${place('long.yaml')}: This file is larger than 16 MiB; expected a configuration file.`,
      ])
    },
  )

  it('of other formats are refused', () => {
    expect(textsOf(parseConfig('version=1', 'c.ini', {}))).toEqual([
      'c.ini: The format of this file is not known; expected a name ending in .yaml, .yml, .json, .jsonc, .toml.',
    ])
  })

  it('that are not in their format are refused with the line', () => {
    expect(textsOf(yaml('version: 1\nservers: {a: {command: x}\n'))[0]).toMatch(
      /^\/base\/c\.yaml:\d+:\d+: This is not valid YAML: /,
    )
    expect(textsOf(json('{"version": 1,\n}'))).toEqual([
      '/base/c.json:2:1: This is not valid JSON: a key in double quotes is expected here (and no comma after the last one).',
    ])
    expect(textsOf(toml('version = 1\nservers = \n'))).toEqual([
      '/base/c.toml:2:10: This is not valid TOML: Unspecified values are invalid.',
    ])
    expect(textsOf(json('[1]'))).toEqual(['/base/c.json:1:1: Expected a group of keys, but this is a list.'])
  })

  it('nested beyond reason are refused', () => {
    expect(codesOf(json('['.repeat(200_000)))).toEqual(['syntax'])
    expect(codesOf(yaml('a: '.concat('['.repeat(20_000))))).toContain('syntax')
    expect(codesOf(toml(`a = ${'['.repeat(200_000)}`))).toContain('syntax')
  })
})

it('reads the example for newcomers', async () => {
  const file = path.resolve(import.meta.dirname, '../../../examples/quickstart.yaml')
  const { servers } = configOf((await readConfig(file, { HOME: '/home/me' })).result)
  expect(servers.map(({ name }) => name)).toEqual(['everything', 'files', 'memory'])
  expect(servers[2]?.transport).toMatchObject({
    cwd: path.resolve(import.meta.dirname, '../../..'),
    env: { MEMORY_FILE_PATH: '/home/me/.patchbay-quickstart-memory.json' },
  })
})
