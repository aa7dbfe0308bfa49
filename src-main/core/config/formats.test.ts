import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from './read-config.ts'
import { configOf, json, serverDefaults, textsOf, toml, yaml } from '../../testing/config-texts.ts'

describe('a configuration that holds', () => {
  const wanted = {
    servers: [
      {
        ...serverDefaults,
        name: 'zeta',
        transport: {
          type: 'stdio',
          command: 'npx',
          args: ['-y', 'x'],
          env: { A: 'b' },
          cwd: path.resolve('/base/sub'),
        },
        isolation: 'session',
        tools: { disabled: ['delete'] },
      },
      { ...serverDefaults, name: '1', transport: { type: 'stdio', command: 'node', args: [], env: {} } },
      {
        ...serverDefaults,
        name: 'docs',
        transport: { type: 'http', url: 'https://Example.com/mcp?a=%41', headers: { 'X-Team': 'a' } },
      },
      {
        ...serverDefaults,
        name: 'old',
        transport: { type: 'sse', url: 'http://127.0.0.1:8000/sse', headers: {} },
        isolation: 'shared',
        start: 'demand',
      },
    ],
    gateway: {
      host: '::1',
      port: 0,
      auth: 'none',
      naming: 'tool',
      maxToolNameLength: 64,
      allowedHosts: ['example.com:8443'],
      allowedOrigins: ['https://example.com'],
    },
    logs: { maxBytes: 10_485_760, keepDays: 2 },
    limits: { messageBytes: 1024, bodyBytes: 2048 },
  }

  it('is the same from YAML', () => {
    const text = `version: 1
servers:
  zeta: { command: npx, args: [-y, x], env: { A: b }, cwd: sub, isolation: session, tools: { disabled: [delete] } }
  1:
    command: node
  docs: { url: 'https://Example.com/mcp?a=%41', headers: { X-Team: a } }
  old: { type: sse, url: 'http://127.0.0.1:8000/sse', isolation: shared, start: demand }
gateway:
  host: '[::1]'
  port: 0
  auth: none
  naming: tool
  maxToolNameLength: 64
  allowedHosts: ['example.com:8443']
  allowedOrigins: ['https://example.com']
limits: { messageBytes: 1024, bodyBytes: 2048 }
`
    expect(configOf(yaml(text))).toEqual(wanted)
    expect(configOf(parseConfig(text, '/base/c.YML', {}))).toEqual(wanted)
  })

  it('is the same from JSON, with comments', () => {
    const text = `{
  // Where the schema is
  "$schema": "../assets/config.schema.json",
  "version": 1,
  "servers": {
    "zeta": { "type": "stdio", "command": "npx", "args": ["-y", "x"], "env": { "A": "b" }, "cwd": "sub",
              "isolation": "session", "tools": { "disabled": ["delete"] } },
    "1": { "command": "node" },
    "docs": { "type": "http", "url": "https://Example.com/mcp?a=%41", "headers": { "X-Team": "a" } },
    "old": { "type": "sse", "url": "http://127.0.0.1:8000/sse", "isolation": "shared", "start": "demand" }
  },
  "gateway": {
    "host": "::1", "port": 0, "auth": "none", "naming": "tool", "maxToolNameLength": 64,
    "allowedHosts": ["example.com:8443"], "allowedOrigins": ["https://example.com"]
  },
  "limits": { "messageBytes": 1024, "bodyBytes": 2048 }
}`
    expect(configOf(json(text))).toEqual(wanted)
    expect(configOf(parseConfig(`\uFEFF${text}`, '/base/c.jsonc', {}))).toEqual(wanted)
  })

  it('is the same from TOML', () => {
    const text = `version = 1
limits = { messageBytes = 1024, bodyBytes = 2048 }
[servers.zeta]
command = "npx"
args = ["-y", "x"]
cwd = "sub"
isolation = "session"
tools.disabled = ["delete"]
[servers.zeta.env]
A = "b"
[servers.1]
command = "node"
[servers.docs]
url = "https://Example.com/mcp?a=%41"
headers = { X-Team = "a" }
[servers.old]
type = "sse"
url = "http://127.0.0.1:8000/sse"
isolation = "shared"
start = "demand"
[gateway]
host = "::1"
port = 0
auth = "none"
naming = "tool"
maxToolNameLength = 64
allowedHosts = ["example.com:8443"]
allowedOrigins = ["https://example.com"]
`
    expect(configOf(toml(text))).toEqual(wanted)
  })

  it('may have no servers', () => {
    for (const text of ['version: 1', 'version: 1\nservers: {}', 'version: 1\nservers:\n']) {
      expect(configOf(yaml(text)).servers).toEqual([])
    }
  })

  it('needs its version, even when it is empty', () => {
    const wanted = ':1:1 version: The key "version" is missing; expected the number 1.'
    expect(textsOf(yaml(''))).toEqual([`/base/c.yaml${wanted}`])
    expect(textsOf(json(''))).toEqual([`/base/c.json${wanted}`])
    expect(textsOf(toml(''))).toEqual([`/base/c.toml${wanted}`])
    expect(textsOf(yaml('servers: {}\nversion: 0'))).toEqual([
      '/base/c.yaml:2:10 version: Expected the number 1.',
    ])
  })
})
