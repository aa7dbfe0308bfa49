import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { planImport } from './plan.ts'

const off = 'Switched off until then: remove "enabled": false.'

function planFixture(name: string) {
  const text = readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8')
  const hints = { known: [], env: { TOKEN: 'x' }, configFile: '/data/config.json' }
  const planned = planImport(text, `/base/${name}`, hints)
  if (!planned.ok) throw new Error(planned.message)
  return planned.servers
}

it('Goose: what is in its keyring is to be set', () => {
  expect(planFixture('goose-keys.yaml')).toMatchObject([
    {
      entry: {
        command: 'npx',
        args: ['github'],
        env: { TOKEN: '${TOKEN}', GITHUB_KEY: '${GITHUB_KEY:-}' },
        enabled: false,
      },
      notes: ['Set the environment variable GITHUB_KEY, which Patchbay does not have here.', off],
    },
  ])
})

it('Continue: a list with names in it, and variables that only it knows', () => {
  expect(planFixture('continue.yaml')).toMatchObject([
    {
      name: 'SQLite',
      line: 6,
      entry: {
        command: 'npx',
        args: ['-y', 'mcp-sqlite'],
        env: { K: '$${{ secrets.K }}' },
        enabled: false,
      },
      notes: ['Fill in ${{ secrets.K }}: only the editor knows what that is.', off],
    },
    { name: 'SQLite 2', as: 'SQLite-2', entry: { command: 'other' }, notes: [] },
    { kind: 'left-out', name: 'server', reason: 'Expected a group of keys here.' },
  ])
})

it('Vibe: a list of tables', () => {
  expect(planFixture('vibe.toml')).toMatchObject([
    { name: 'fetch', entry: { command: 'uvx', args: ['mcp-server-fetch'] }, notes: [] },
  ])
})
