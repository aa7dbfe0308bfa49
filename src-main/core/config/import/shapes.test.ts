import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { toEntry, type ConvertedServer } from './entry.ts'
import { ForeignFields, UnfitServer } from './fields.ts'
import { findNestedServers, importShapes } from './shapes.ts'
import { parseImportSource, type ImportSource } from './source.ts'
import { VariableWriter } from './variables.ts'

const env = { HOME: '/home/me', TOKEN: 'x' }

function open(name: string): ImportSource {
  const text = readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8')
  const source = parseImportSource(text, name)
  if (!('servers' in source)) throw new Error(source.message)
  return source
}

/** Every server of a fixture in our words, built or not; the sentence for one that cannot be taken. */
function convertAll(name: string): Record<string, ConvertedServer | string> {
  const { root, shape, servers, text } = open(name)
  const converted = Array.from(servers.entries, ([server, { value }]): [string, ConvertedServer | string] => {
    if (value.kind !== 'map') return [server, 'no map']
    const fields = new ForeignFields(value, text)
    const hints = { variables: new VariableWriter(shape.variables, env), folder: '/base' }
    try {
      return [server, toEntry(fields, shape.readParts(fields, server, root), hints)]
    } catch (error) {
      if (!(error instanceof UnfitServer)) throw error
      return [server, error.message]
    }
  })
  return Object.fromEntries(converted)
}

const plain = (entry: object): ConvertedServer => ({ entry: { ...entry }, notes: [] })
const off = 'Switched off until then: remove "enabled": false.'

const shapeOf: ReadonlyMap<string, string> = new Map([
  ['claude.json', 'mcpServers'],
  ['cursor.jsonc', 'mcpServers'],
  ['vscode-mcp.json', 'servers'],
  ['vscode-settings.json', 'settings'],
  ['zed.jsonc', 'context_servers'],
  ['codex.toml', 'mcp_servers'],
  ['zr.yaml', 'zr'],
  ['opencode.jsonc', 'mcp'],
  ['goose.yaml', 'extensions'],
  ['patchbay.yaml', 'patchbay'],
  ['bare.json', 'bare'],
  ['continue.yaml', 'mcpServers'],
  ['vibe.toml', 'mcp_servers'],
])

it.each([...shapeOf])('%s is of the shape %s', (name, shape) => {
  expect(open(name).shape.id).toBe(shape)
})

it('has a fixture for every row', () => {
  expect([...new Set(shapeOf.values())].sort()).toEqual(importShapes.map(({ id }) => id).sort())
})

describe('servers in our words', () => {
  it('of Claude', () => {
    expect(convertAll('claude.json')).toEqual({
      files: plain({ command: 'npx', args: ['-y', 'server-files', '/home/me'] }),
      'my_server.v2': plain({
        command: 'node',
        args: ['x.js', '8080'],
        env: { PORT: '8081.5', DEBUG: 'true' },
      }),
      'My_Server.V2': plain({ command: 'node', args: ['y.js'] }),
      ['__proto__']: plain({ command: 'node', args: ['proto.js'] }),
      '  ': plain({ command: 'node', args: ['blank.js'] }),
      keys: plain({
        command: 'npx',
        args: ['tool', '--api-key', 'abcdef123456', '--token=xyz', '-e', 'PASSWORD=hunter2'],
        env: {
          GITHUB_TOKEN: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
          REGION: 'eu',
          SAFE_TOKEN: '${TOKEN}',
        },
      }),
      vars: {
        entry: {
          command: '${HOME}/bin/x',
          args: ['${UNSET_HERE:-}', '${A:-b}', '$HOME', '$${user_config.key}'],
          enabled: false,
        },
        notes: [
          'Fill in ${user_config.key}: only the editor knows what that is.',
          'Set the environment variable UNSET_HERE, which Patchbay does not have here.',
          off,
        ],
      },
      words: 'Its args is of a wrong kind; expected a list of text.',
      nothing: 'It has neither a command nor an address.',
      text: 'no map',
      remote: plain({
        type: 'http',
        url: 'https://example.com/mcp?api_key=abc',
        headers: { Authorization: 'Bearer ${TOKEN}' },
      }),
      off: {
        entry: { command: 'node', args: ['off.js'], enabled: false },
        notes: ['Not taken, since Patchbay has no such key: autoApprove, alwaysAllow.'],
      },
    })
    expect(findNestedServers(open('claude.json').root).map((found) => found.path)).toEqual([
      ['projects', '/home/me/work', 'mcpServers', 'inner'],
    ])
  })

  it('of Cursor, Windsurf, Cline and Gemini', () => {
    expect(convertAll('cursor.jsonc')).toEqual({
      docs: {
        entry: {
          command: 'npx',
          args: ['-y', 'docs', '${HOME}/notes', '$${workspaceFolder}'],
          env: { KEY: '${TOKEN}' },
          enabled: false,
        },
        notes: [
          'Add the variables of its envFile to env: that file is not read.',
          'Fill in ${workspaceFolder}: only the editor knows what that is.',
          off,
        ],
      },
      stream: plain({ type: 'http', url: 'https://example.com/mcp' }),
      events: {
        entry: { type: 'sse', url: 'https://example.com/sse' },
        notes: ['Not taken, since Patchbay has no such key: timeout.'],
      },
      windsurf: plain({ type: 'http', url: 'https://example.com/w' }),
      cline: plain({ type: 'http', url: 'https://example.com/c', timeouts: { requestSeconds: 60 } }),
      'cline-local': plain({ command: 'node', args: ['c.js'], timeouts: { requestSeconds: 120 } }),
      gemini: {
        entry: {
          type: 'http',
          url: 'https://example.com/g',
          tools: { disabled: ['rm'] },
          timeouts: { requestSeconds: 600 },
        },
        notes: [
          'Its includeTools allows only some tools; Patchbay shows all of them: switch off the others there.',
        ],
      },
      both: 'It has both a command and an address; expected one of them.',
      odd: 'Its type is not known; expected stdio, http, sse or websocket.',
    })
  })

  it('of VS Code and Copilot', () => {
    expect(convertAll('vscode-mcp.json')).toEqual({
      github: {
        entry: {
          type: 'http',
          url: 'https://api.example.com/mcp/',
          headers: { Authorization: 'Bearer $${input:key}' },
          enabled: false,
        },
        notes: ['Fill in ${input:key}: only the editor knows what that is.', off],
      },
      local: {
        entry: { command: '/base/run.sh', args: ['$${PLAIN}', '${TOKEN}'], cwd: '${HOME}/work' },
        notes: [
          'The path ./run.sh was taken from the folder of the file: look whether that is meant.',
          'Not taken, since Patchbay has no such key: gallery.',
        ],
      },
      copilot: plain({ type: 'http', url: 'https://example.com/mcp', headers: { 'X-Team': 'a' } }),
    })
    expect(convertAll('vscode-settings.json')).toEqual({
      time: plain({ command: 'uvx', args: ['mcp-server-time'] }),
    })
  })

  it('of Zed, which replaces nothing', () => {
    expect(convertAll('zed.jsonc')).toEqual({
      old: {
        entry: { command: 'node', args: ['z.js', '$${HOME}'], env: { A: '1' } },
        notes: ['Not taken, since Patchbay has no such key: settings.'],
      },
      new: plain({ command: 'node', args: ['n.js'], env: { B: '2' }, enabled: false }),
      remote: plain({ type: 'http', url: 'https://example.com/zed', headers: { 'X-A': 'b' } }),
      extension: 'It has neither a command nor an address.',
    })
  })

  it('of Codex', () => {
    expect(convertAll('codex.toml')).toEqual({
      docs: {
        entry: {
          command: 'npx',
          args: ['-y', 'docs'],
          env: { LITERAL: '$${NOT_A_VARIABLE}' },
          cwd: '/srv/docs',
          tools: { disabled: ['b'] },
          timeouts: { connectSeconds: 20, requestSeconds: 90.5 },
        },
        notes: [
          'Its enabled_tools allows only some tools; Patchbay shows all of them: switch off the others there.',
          'Not taken, since Patchbay has no such key: required.',
        ],
      },
      figma: {
        entry: {
          type: 'http',
          url: 'https://mcp.example.com/mcp',
          headers: { 'X-Region': 'eu', 'X-Key': '${UNSET_HERE:-}', Authorization: 'Bearer ${TOKEN}' },
          enabled: false,
        },
        notes: ['Set the environment variable UNSET_HERE, which Patchbay does not have here.'],
      },
    })
  })

  it('of the proxy with YAML', () => {
    expect(convertAll('zr.yaml')).toEqual({
      files: plain({
        command: 'npx',
        args: ['-y', 'files', '${ROOT:-/srv}'],
        env: { LEVEL: '3' },
        cwd: '/srv',
        startDelayMs: 700,
        restart: { enabled: false, max: 4, delayMs: 2500 },
        health: { enabled: true, intervalSeconds: 60, timeoutSeconds: 7, attempts: 2 },
      }),
      events: {
        entry: {
          type: 'sse',
          url: 'https://example.com/sse',
          headers: { Authorization: 'Bearer ${TOKEN}' },
          health: { enabled: true, timeoutSeconds: 7 },
        },
        notes: ['Not taken, since Patchbay has no such key: transport.timeoutMs.'],
      },
      socket: {
        entry: {
          type: 'websocket',
          url: 'wss://example.com/ws',
          protocols: ['mcp'],
          enabled: false,
          health: { enabled: true, timeoutSeconds: 7 },
        },
        notes: ['Not taken, since Patchbay has no such key: transport.autoReconnect.'],
      },
      shown: plain({
        command: 'node',
        args: ['s.js'],
        health: { enabled: true, intervalSeconds: 11, timeoutSeconds: 1.5, threshold: 2 },
      }),
    })
  })

  it('of OpenCode and Goose', () => {
    expect(convertAll('opencode.jsonc')).toEqual({
      local: {
        entry: {
          command: 'bun',
          args: ['x', 'my-mcp'],
          env: { KEY: '${TOKEN}', PLAIN: '$${X}', FROM: '{file:~/.key}' },
          enabled: false,
        },
        notes: ['Fill in {file:~/.key}: only the editor knows what that is.', off],
      },
      remote: plain({
        type: 'http',
        url: 'https://example.com/oc',
        headers: { K: '${TOKEN}' },
        enabled: false,
      }),
    })
    expect(convertAll('goose.yaml')).toEqual({
      fetch: plain({
        command: 'uvx',
        args: ['mcp-fetch'],
        env: { A: 'b' },
        timeouts: { requestSeconds: 300 },
      }),
      web: plain({ type: 'http', url: 'https://example.com/goose' }),
      developer: 'Its type is not known; expected stdio, http, sse or websocket.',
    })
  })

  it('that documents print alone', () => {
    expect(convertAll('bare.json')).toEqual({
      everything: plain({ command: 'npx', args: ['-y', 'everything'] }),
      other: plain({ type: 'http', url: 'https://example.com/bare' }),
    })
  })
})
