import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { planImport, type PlannedServer } from './plan.ts'

function plan(text: string, name = 'x.json'): readonly PlannedServer[] {
  const hints = { known: [], env: { TOKEN: 'x' }, configFile: '/data/config.json' }
  const planned = planImport(text, `/base/${name}`, hints)
  if (!planned.ok) throw new Error(planned.message)
  return planned.servers
}

function toLines(servers: readonly PlannedServer[]): string[] {
  return servers.map((server) => {
    return server.kind === 'left-out' ? `- ${server.name}: ${server.reason}` : `+ ${server.name}`
  })
}

const fixture = (name: string) =>
  plan(readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8'), name)
const mcp = (servers: object): string => JSON.stringify({ mcpServers: servers })

describe('servers behind addresses', () => {
  it('are taken, where our own rules let them', () => {
    expect(toLines(fixture('codex.toml'))).toEqual(['+ docs', '+ figma'])
    expect(toLines(fixture('zr.yaml')).map((line) => line.replace(/ not built yet.*/, ''))).toEqual([
      '+ files',
      '+ events',
      '- socket: Servers behind a WebSocket are',
      '+ shown',
    ])
    const servers = {
      a: { url: 'https://me:hush@example.com/mcp' },
      b: { url: 'https://example.com/mcp', headers: { A: 'hush\nHost: x' } },
      c: { url: '${workspaceFolder}/mcp' },
      d: { type: 'streamable-http', url: 'http://localhost:3000/mcp#x' },
    }
    const lines = toLines(plan(mcp(servers)))
    expect(lines).toEqual([
      expect.stringMatching(/^- a: Expected an address .* without a name or password in it/),
      '- b: headers.A: Expected text without line breaks.',
      '- c: Expected an address like https://example.com/mcp.',
      expect.stringMatching(/^- d: .* without a #/),
    ])
    expect(lines.join()).not.toContain('hush')
  })

  it('keep their headers, each once, without those that Patchbay sets, secrets marked', () => {
    const headers = {
      Accept: '*/*',
      'content-type': 'application/json',
      authorization: 'Bearer old',
      'X-A': 'b',
    }
    const requestInit = { headers: { Authorization: 'Bearer hush' } }
    expect(plan(mcp({ a: { url: 'http://h/', headers, requestInit } }))).toMatchObject([
      {
        entry: { headers: { Authorization: 'Bearer hush', 'X-A': 'b' } },
        masked: { headers: { Authorization: '•••', 'X-A': 'b' } },
        secrets: ['headers.Authorization'],
        notes: ['Not taken, since Patchbay sets it itself: Accept, content-type.'],
      },
    ])
  })

  it('are not switched off for a variable of a header that is not taken', () => {
    const headers = {
      Host: '${NOT_SET}',
      authorization: 'Bearer ${NOT_SET}',
      Authorization: 'Bearer ${TOKEN}',
    }
    const [server] = plan(mcp({ a: { url: 'http://h/', headers } }))
    expect(server).toMatchObject({
      entry: { headers: { Authorization: 'Bearer ${TOKEN}' } },
      notes: ['Not taken, since Patchbay sets it itself: Host.'],
    })
    expect(server).not.toHaveProperty('entry.enabled')
  })
})
