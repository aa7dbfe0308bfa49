import { describe, expect, it } from 'vitest'
import { planImport } from './plan.ts'
import { toPlanText, toSnippet } from './report.ts'

const configFile = '/data/config.json'

function report(text: string, isDryRun = false): string {
  const known = [{ name: 'there', entry: { command: 'y' } }]
  const plan = planImport(text, '/base/x.json', { known, env: {}, configFile })
  if (!plan.ok) throw new Error(plan.message)
  return toPlanText(plan, { label: 'x.json', configFile, isDryRun })
}

const text = `{ "mcpServers": {
  "git hub": { "command": "npx", "args": ["--token", "hush"], "env": { "API_KEY": "hush", "A": "\${SET_ME}" } },
  "b": { "command": "y" },
  "c": {}
} }`

describe('toPlanText', () => {
  it('says what was done, in a line for each, without secrets', () => {
    expect(report(text)).toBe(`1 server added to /data/config.json, 1 already there, 1 left out.
+ git-hub (called "git hub" there): npx --token •••
    In plain text, though it looks secret: args[1], env.API_KEY; better put each into an environment variable and write \${ITS_NAME} there.
    Set the environment variable SET_ME, which Patchbay does not have here.
    Switched off until then: remove "enabled": false.
= b: already there as "there".
- c (x.json:4): It has neither a command nor an address.
`)
  })

  it('shows the exact JSON of a dry run, secrets masked', () => {
    const dry = report(text, true)
    expect(dry).toMatch(/^1 server would be added to /)
    expect(dry).not.toContain('hush')
    expect(JSON.parse(dry.slice(dry.indexOf('\n{') + 1))).toEqual({
      servers: {
        'git-hub': {
          command: 'npx',
          args: ['--token', '•••'],
          env: { API_KEY: '•••', A: '${SET_ME:-}' },
          enabled: false,
        },
      },
    })
  })

  it('counts what was there already apart from what was lost', () => {
    expect(report('{ "mcpServers": { "a": { "command": "y" } } }')).toMatch(
      /^0 servers added to .*config\.json, 1 already there\.\n/,
    )
    expect(report('{ "mcpServers": { "a": { "command": "z" } } }')).toMatch(
      /^1 server added to .*config\.json\.\n/,
    )
  })

  it('says when there is none', () => {
    expect(report('{ "mcpServers": {} }', true)).toBe('x.json has no servers.\n')
  })

  it('lets no control characters of the file out, and no endless lines', () => {
    const evil = '\u001B[2J\u009B\u202E\u2028'
    const server = { command: evil, args: ['x'.repeat(1000)], [evil]: 1 }
    const told = report(JSON.stringify({ mcpServers: { [`a${evil}`]: server, [evil]: 1 } }), true)
    expect(told).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}]/u)
    const lines = told.split('\n')
    expect(lines.find((line) => line.startsWith('+'))?.length).toBeLessThan(500)
    const shown = JSON.parse(told.slice(told.indexOf('\n{') + 1)) as { servers: object }
    expect(Object.values(shown.servers)).toMatchObject([{ command: evil }])
  })
})

describe('toSnippet', () => {
  it('escapes what is beyond 16 bits, too', () => {
    const entry = { command: '\u{E0001}é' }
    const server = {
      kind: 'added',
      name: 'a',
      line: 1,
      as: 'a',
      entry,
      masked: entry,
      secrets: [],
      notes: [],
    } as const
    expect(toSnippet([server])).toContain('"command": "\\udb40\\udc01é"')
  })
})
