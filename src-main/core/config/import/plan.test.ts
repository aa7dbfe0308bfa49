import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { findKnownServers, planImport, type ImportPlan, type PlannedServer } from './plan.ts'

const env = { HOME: '/home/me', TOKEN: 'x' }
const configFile = '/data/config.json'

function plan(text: string, name = 'x.json', current = ''): ImportPlan {
  const planned = planImport(text, `/base/${name}`, { known: findKnownServers(current), env, configFile })
  if (!planned.ok) throw new Error(planned.message)
  return planned
}

function refusal(text: string, name = 'x.json'): string {
  const planned = planImport(text, `/base/${name}`, { known: [], env, configFile })
  if (planned.ok) throw new Error('It was not refused')
  const { place, message } = planned
  return place === undefined ? message : `${place.line}:${place.column} ${message}`
}

function fixture(name: string): ImportPlan {
  return plan(readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8'), name)
}

/** What becomes of each server in a line. */
function toLines({ servers }: ImportPlan): string[] {
  return servers.map((server: PlannedServer) => {
    if (server.kind === 'left-out') return `- ${server.name} ${server.line}: ${server.reason}`
    return `${server.kind === 'added' ? '+' : '='} ${server.name} ${server.line} ${server.as}`
  })
}

const mcp = (servers: object): string => JSON.stringify({ mcpServers: servers })

describe('what becomes of servers', () => {
  it('of Claude: names, doubles, projects, and what cannot be taken with its line', () => {
    expect(toLines(fixture('claude.json'))).toEqual([
      '+ files 4 files',
      '+ my_server.v2 5 my-server-v2',
      '+ My_Server.V2 6 My-Server-V2-2',
      '+ __proto__ 7 server',
      '+    8 server-2',
      '+ keys 9 keys',
      '+ vars 18 vars',
      '- words 22: Its args is of a wrong kind; expected a list of text.',
      '- nothing 23: It has neither a command nor an address.',
      '- text 24: Expected a group of keys here.',
      '+ remote 25 remote',
      '+ off 30 off',
      '- projects["/home/me/work"].mcpServers.inner 39: It belongs to one project alone.',
    ])
  })

  it('of keys that stand twice: the first is taken', () => {
    const { servers, notes } = fixture('cursor.jsonc')
    const message = 'each key may be given once. The first one is taken.'
    expect(servers.at(-1)).toMatchObject({
      kind: 'left-out',
      name: 'docs',
      reason: `The key "docs" stands here a second time; ${message}`,
    })
    expect(notes).toEqual([
      expect.stringMatching(
        /^Line \d+: The key "KEY" stands here a second time; .* The first one is taken\.$/,
      ),
      'Patchbay has to be started with TOKEN in its environment.',
    ])
  })

  it('of a configuration of ours: paths from its folder, checked by our own rules', () => {
    const planned = fixture('patchbay.yaml')
    expect(planned.servers).toMatchObject([
      {
        as: 'mine',
        entry: {
          command: path.join('/base', 'bin/mine'),
          args: ['${TOKEN}', '$${LITERAL}', '${UNSET_HERE:-}'],
          restart: { max: 2 },
          enabled: false,
        },
      },
      { as: 'yours', entry: { command: 'node', args: ['y.js'], cwd: path.join('/base', 'sub') } },
      { kind: 'left-out', name: 'odd', reason: expect.stringContaining('did you mean "command"?') as string },
    ])
    expect(planned.notes).toEqual([
      'Only the servers are taken, not gateway.',
      'Patchbay has to be started with TOKEN in its environment.',
    ])
    expect(fixture('zr.yaml').notes).toEqual([
      'Only the servers are taken, not proxy, webUI.',
      'Patchbay has to be started with TOKEN in its environment.',
    ])
  })

  it('of one that is there already, under any name', () => {
    const known = `\uFEFF{ "version": 1, "servers": {
      "mine": { "command": "node", "args": ["a.js"], "env": { "B": "2", "A": "\${NOT_SET}" }, "start": "demand" },
      "GIT": { "command": "git-mcp" } } }`
    const text = mcp({
      theirs: { command: 'node', args: ['a.js'], env: { A: '${NOT_SET}', B: '2' }, disabled: true },
      git: { command: 'git-mcp', args: ['--other'] },
      again: { command: 'git-mcp', args: ['--other'], env: {} },
    })
    expect(toLines(plan(text, 'x.json', known))).toEqual([
      '= theirs 1 mine',
      '+ git 1 git-2',
      '= again 1 git-2',
    ])
  })

  it.each([
    { command: 'node', args: ['/home/me/.config/Patchbay/bin/shim.mjs', '--client', 'cursor'] },
    { command: 'C:\\x\\patchbay.exe', args: ['connect'] },
    { command: 'npx', args: ['patchbay', 'serve', '--stdio'] },
    { url: 'http://127.0.0.1:7411/mcp' },
  ])('of Patchbay itself: left out, or it would lead to itself: %j', (server) => {
    expect(toLines(plan(mcp({ patchbay: server })))).toEqual(['- patchbay 1: This is Patchbay itself.'])
  })

  it('of a proxy with YAML, all of whose health checks are off', () => {
    const text =
      'servers: { a: { command: x, healthCheck: { enabled: true } } }\nproxy: {}\nhealthCheck: { enabled: false }'
    expect(plan(text, 'x.yaml').servers).toMatchObject([{ entry: { health: { enabled: false } } }])
  })

  it('marks secrets in plain text', () => {
    const [server] = plan(mcp({ a: { command: 'x', env: { API_KEY: 'hush' } } })).servers
    expect(server).toMatchObject({
      entry: { env: { API_KEY: 'hush' } },
      masked: { env: { API_KEY: '•••' } },
      secrets: ['env.API_KEY'],
    })
  })

  it('takes a whole $NAME for a variable, and says so', () => {
    const env = { A: '$TOKEN', B: '$NOT_SET', C: '$hunter2', D: 'x$TOKEN' }
    const [server] = plan(mcp({ a: { command: 'x', args: ['$TOKEN'], env } })).servers
    expect(server).toMatchObject({
      entry: { args: ['$TOKEN'], env: { A: '${TOKEN}', B: '${NOT_SET:-}', C: '$hunter2', D: 'x$TOKEN' } },
      notes: [
        '$TOKEN was taken for an environment variable.',
        '$NOT_SET was taken for an environment variable.',
        'Set the environment variable NOT_SET, which Patchbay does not have here.',
        'Switched off until then: remove "enabled": false.',
      ],
    })
    const zed = JSON.stringify({ context_servers: { a: { command: 'x', env } } })
    expect(plan(zed).servers).toMatchObject([{ entry: { env } }])
  })

  it('notes an argument that is relative where there is no cwd', () => {
    const args = ['./build/index.js']
    const servers = { a: { command: 'node', args }, b: { command: 'node', args, cwd: '/srv' } }
    expect(plan(mcp(servers)).servers).toMatchObject([
      {
        notes: ['Its argument ./build/index.js is relative: add the folder that it is meant from as "cwd".'],
      },
      { notes: [] },
    ])
  })

  it('tells keys of ours that are of another shape, and what was meant by others', () => {
    const servers = { a: { command: 'x', restart: { maxRestarts: 1 }, healthCheck: {} }, b: { comand: 'x' } }
    expect(plan(mcp(servers)).servers).toMatchObject([
      {
        notes: [
          'Not taken, since Patchbay has no such key: healthCheck.',
          'Not taken, since Patchbay has another shape for it: restart.',
        ],
      },
      { reason: 'It has neither a command nor an address; did you mean "command" by "comand"?' },
    ])
  })

  it('leaves out what our own rules refuse, without its value', () => {
    const text = mcp({ a: { command: 'x', env: { '': 'hush' } }, b: { url: 'nowhere', type: 'sse' } })
    const lines = toLines(plan(text))
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^- a 1: env/)
    expect(lines[1]).toMatch(/^- b 1: /)
    expect(lines.join()).not.toContain('hush')
  })
})

describe('any format', () => {
  const servers = (text: string, name: string): string[] => toLines(plan(text, name))

  it('is found by what a file says where its name tells nothing, or something wrong', () => {
    const yaml = 'mcpServers:\n  a:\n    command: x\n'
    const toml = '# Codex\n[mcp_servers.a]\ncommand = "x"\n'
    const json = '// c\r\n{\r\n"mcpServers": {\r\n"a": { "command": "x", }, }, }'
    for (const name of ['-', 'x.txt', 'x.yaml', 'x.json', 'x.toml']) {
      expect(servers(yaml, name)).toEqual(['+ a 2 a'])
      expect(servers(toml, name)).toEqual(['+ a 2 a'])
      expect(servers(json, name)).toEqual(['+ a 4 a'])
      expect(servers(`\uFEFF${json}`, name)).toEqual(['+ a 4 a'])
    }
  })

  it('is refused with its place when it cannot be parsed', () => {
    expect(refusal('{\n  "mcpServers": {\n    "a" 1 } }')).toMatch(/^3:9 This is not valid JSON: a colon/)
    expect(refusal('{ "a"', '-')).toMatch(/^1:\d+ This is not valid JSON/)
    expect(refusal('a: [}', 'x.yml')).toMatch(/^1:\d+ This is not valid YAML/)
    expect(refusal('[a\n', 'x.toml')).toMatch(/^1:\d+ This is not valid TOML/)
    expect(refusal('mcpServers: { a: *none }', 'x.yaml')).toMatch(
      /^1:18 A value that begins with \* is an alias/,
    )
    expect(refusal(`{"mcpServers":${'['.repeat(300_000)}`)).toContain('1:')
  })

  it.each(['', '{}', '[]', '{"servers":[]}', '{"command":"x","args":[]}', '{"editor.fontSize":12}', 'hello'])(
    'is refused with the shapes that are known when it is of none: %s',
    (text) => {
      expect(refusal(text, '-')).toMatch(/Known are .*"mcpServers".*"context_servers".*Codex.*VS Code/)
    },
  )
})

describe('a property', () => {
  const value = fc.jsonValue({ maxDepth: 4 })
  const key = fc.constantFrom(
    ...[
      'command',
      'args',
      'env',
      'cwd',
      'url',
      'type',
      'transport',
      'headers',
      'timeout',
      'tools',
      'enabled',
    ],
    ...['disabled', 'disabledTools', 'requestInit', 'envFile', '__proto__', 'x'],
  )
  const text = fc.constantFrom('', 'x', '${', '${A}', '~/x', './x', 'stdio', 'http://a', '\0', '\u001B[31m')
  const server = fc.dictionary(key, fc.oneof(value, text, fc.array(text), fc.dictionary(fc.string(), text)))
  const named = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), fc.oneof(server, value))

  it.each(['mcpServers', 'servers', 'context_servers', 'mcp_servers', 'mcp', 'extensions'])(
    'whatever stands under %s, nothing is thrown, and what is added holds and has a name of its own',
    (place) => {
      fc.assert(
        fc.property(named, (servers) => {
          const source = JSON.stringify({ [place]: servers })
          const planned = planImport(source, '/base/x.json', { known: [], env, configFile })
          if (!planned.ok) return
          expect(planned.servers).toHaveLength(Object.keys(servers).length)
          const added = planned.servers.filter(({ kind }) => kind === 'added')
          const names = added.map((one) => ('as' in one ? one.as.toLowerCase() : ''))
          expect(new Set(names).size).toBe(names.length)
          for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{0,30}$/)
        }),
        { numRuns: 100 },
      )
    },
    20_000,
  )
})

describe('values of a wrong kind', () => {
  it.each([
    [{ command: 7 }, 'Its command is of a wrong kind; expected text.'],
    [{ command: 'x', args: [['y']] }, 'Its args[0] is of a wrong kind; expected text.'],
    [{ command: 'x', args: ['\0'] }, 'Its args[0] is of a wrong kind; expected text without NUL characters.'],
    [{ command: 'x', env: 'A=b' }, 'Its env is of a wrong kind; expected a group of keys with text.'],
    [{ command: 'x', env: { A: {} } }, 'Its env.A is of a wrong kind; expected text.'],
    [{ command: 'x', disabled: 'maybe' }, 'Its disabled is of a wrong kind; expected true or false.'],
    [{ command: 'x', trust: true, timeout: '5' }, 'Its timeout is of a wrong kind; expected a number.'],
    [{ url: 'http://a', requestInit: [] }, 'Its requestInit is of a wrong kind; expected a group of keys.'],
    [{ command: '' }, 'Its command is empty.'],
    [{ command: [] }, 'Its command is empty.'],
    [{ type: 'http', command: 'x' }, 'It has no url.'],
    [{ type: 'stdio', url: 'http://a' }, 'It has no command.'],
  ])('%j is left out', (server, reason) => {
    expect(toLines(plan(mcp({ a: server })))).toEqual([`- a 1: ${reason}`])
  })

  it('are taken where they are harmless, as they are written', () => {
    const yaml =
      'mcpServers: { a: { command: x, args: [0755, 1e3, true], env: { A: ~, B: 1.50 }, disabled: "false" } }'
    expect(plan(yaml, 'x.yaml').servers).toMatchObject([
      { entry: { command: 'x', args: ['0755', '1e3', 'true'], env: { B: '1.50' } } },
    ])
    const toml = '[mcp_servers.a]\ncommand = "x"\nargs = [1_000]\nstartup_timeout_ms = 1500\n'
    expect(plan(toml, 'x.toml').servers).toMatchObject([
      { entry: { args: ['1000'], timeouts: { connectSeconds: 1.5 } } },
    ])
  })
})
