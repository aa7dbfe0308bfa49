// What people get wrong, and where they are told it stands: one row for each mistake, over the three formats.
import { describe, expect, it } from 'vitest'
import { parseConfig } from './read-config.ts'

interface Row {
  readonly text: string
  readonly line: number
  readonly key: string
  readonly says: string
}

const yamlRows: readonly Row[] = [
  { text: 'version: 1\nservers:\n\ta: {}', line: 3, key: '', says: 'Tabs are not allowed as indentation' },
  { text: 'version: 1\nservers: [', line: 2, key: '', says: 'not valid YAML' },
  { text: 'version: 1\nservers:\n  a:\n    command: "x\n', line: 5, key: '', says: 'closing "quote' },
  { text: 'version: 1\n---\nversion: 1', line: 2, key: '', says: 'a second document begins here' },
  { text: 'version: 1\nservers: *base', line: 2, key: 'servers', says: 'is an alias, and what it names' },
  { text: '- version: 1', line: 1, key: '', says: 'Expected a group of keys, but this is a list.' },
  { text: 'just words', line: 1, key: '', says: 'Expected a group of keys, but this is text.' },
  { text: '\n\nservers: {}', line: 3, key: 'version', says: 'The key "version" is missing' },
  { text: 'version: "1"', line: 1, key: 'version', says: 'Expected the number 1' },
  { text: 'servers: {}\nversion: 2', line: 2, key: 'version', says: 'written for a newer Patchbay' },
  { text: 'version: 1\nserver: {}', line: 2, key: 'server', says: 'did you mean "servers"?' },
  { text: 'version: 1\nservers:\n  - command: x', line: 2, key: 'servers', says: 'but this is a list' },
  {
    text: 'version: 1\nservers:\n  my_server: { command: x }',
    line: 3,
    key: 'servers.my_server',
    says: 'letters, digits and hyphens',
  },
  {
    text: 'version: 1\nservers:\n  a: { command: x }\n  A: { command: x }',
    line: 4,
    key: 'servers.A',
    says: 'differ only in capital letters',
  },
  { text: 'version: 1\nservers:\n  a: {}', line: 3, key: 'servers.a', says: 'neither a command nor a url' },
  {
    text: 'version: 1\nservers:\n  a:\n    comand: x',
    line: 4,
    key: 'servers.a.comand',
    says: 'did you mean "command"?',
  },
  {
    text: 'version: 1\nservers:\n  a: { command: "" }',
    line: 3,
    key: 'servers.a.command',
    says: 'text that is not empty',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: x\n    url: http://h/',
    line: 5,
    key: 'servers.a.url',
    says: 'both a command and a url',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: x\n    args: -y x',
    line: 5,
    key: 'servers.a.args',
    says: 'Expected a list of text, but this is text.',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: x\n    args:\n      - -y\n      - 7',
    line: 7,
    key: 'servers.a.args[1]',
    says: 'but this is a number (quotes make it text)',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: x\n    env:\n      PORT: 80',
    line: 6,
    key: 'servers.a.env.PORT',
    says: 'quotes make it text',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: x\n    enabled: yes',
    line: 5,
    key: 'servers.a.enabled',
    says: 'Expected true or false',
  },
  {
    text: 'version: 1\nservers:\n  a: { command: x, start: lazy }',
    line: 3,
    key: 'servers.a.start',
    says: 'one of eager, demand',
  },
  {
    text: 'version: 1\nservers:\n  a: { command: x, idleStopSeconds: -1 }',
    line: 3,
    key: 'servers.a.idleStopSeconds',
    says: 'from 0 (never)',
  },
  {
    text: 'version: 1\nservers:\n  a: { command: x, health: { treshold: 2 } }',
    line: 3,
    key: 'servers.a.health.treshold',
    says: 'did you mean "threshold"?',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: ${NONE}',
    line: 4,
    key: 'servers.a.command',
    says: 'The environment variable NONE is not set',
  },
  {
    text: 'version: 1\nservers:\n  a:\n    command: ${NONE',
    line: 4,
    key: 'servers.a.command',
    says: 'A ${ has no closing }',
  },
  {
    text: 'version: 1\nlogs: { maxBytes: 0 }',
    line: 2,
    key: 'logs.maxBytes',
    says: 'a whole number from 1',
  },
  { text: 'version: 1\nlogs: { keepDays: 0 }', line: 2, key: 'logs.keepDays', says: 'a whole number from 1' },
  {
    text: 'version: 1\noverrides:\n  servers:\n    a: { enabled: off }',
    line: 4,
    key: 'overrides.servers.a.enabled',
    says: 'Expected true or false',
  },
]

const jsonRows: readonly Row[] = [
  { text: '{\n  "version": 1,\n}', line: 3, key: '', says: 'no comma after the last one' },
  { text: '{\n  "version": 1\n  "servers": {}\n}', line: 3, key: '', says: 'a comma is expected here' },
  { text: "{\n  'version': 1\n}", line: 2, key: '', says: 'not valid JSON' },
  { text: '{\n  "version": 1\n', line: 3, key: '', says: 'a closing } is missing' },
  {
    text: '{\n  "version": 1,\n  "version": 1\n}',
    line: 3,
    key: 'version',
    says: 'stands here a second time',
  },
  {
    text: '{\n  "version": 1,\n  "mcpServers": {}\n}',
    line: 3,
    key: 'mcpServers',
    says: '`patchbay import FILE`',
  },
  {
    text: '{\n  "version": 1,\n  "servers": {\n    "a": "npx x"\n  }\n}',
    line: 4,
    key: 'servers.a',
    says: 'Expected a group of keys',
  },
  {
    text: '{\n  "version": 1,\n  "servers": { "a": {\n    "command": null } }\n}',
    line: 4,
    key: 'servers.a.command',
    says: 'Expected text, but this is nothing.',
  },
  {
    text: '{\n  "version": 1,\n  "servers": { "a": {\n    "type": "ssh", "command": "x" } }\n}',
    line: 4,
    key: 'servers.a.type',
    says: 'one of stdio, http',
  },
  {
    text: '{\n  "version": 1,\n  "gateway": {\n    "naming": "tools" }\n}',
    line: 4,
    key: 'gateway.naming',
    says: 'did you mean "tool"?',
  },
]

const tomlRows: readonly Row[] = [
  { text: 'version = 1\n[servers.a\n', line: 2, key: '', says: 'not valid TOML' },
  { text: 'version = 1\nservers = yes\n', line: 2, key: '', says: 'not valid TOML' },
  { text: 'version = 1\n[servers.a]\ncommand = "x"\n[servers.a]\n', line: 4, key: '', says: 'second time' },
  {
    text: 'version = 1\n[[servers]]\ncommand = "x"\n',
    line: 2,
    key: 'servers',
    says: 'but this is a list',
  },
  {
    text: 'version = 1\n[servers.a]\ncommand = "x"\ntimeouts.connectSeconds = 0\n',
    line: 4,
    key: 'servers.a.timeouts.connectSeconds',
    says: 'seconds above 0',
  },
  {
    text: 'version = 1\n[servers.a]\ncommand = "x"\n[servers.a.restart]\nmax = 1.5\n',
    line: 5,
    key: 'servers.a.restart.max',
    says: 'a whole number from 0',
  },
  {
    text: 'version = 1\n[limits]\nmessageBytes = 0\n',
    line: 3,
    key: 'limits.messageBytes',
    says: 'a whole number from 1',
  },
]

describe.each([
  { file: 'c.yaml', rows: yamlRows },
  { file: 'c.json', rows: jsonRows },
  { file: 'c.toml', rows: tomlRows },
])('a broken $file', ({ file, rows }) => {
  it.each(rows)('is told on line $line, at “$key”: $says', ({ text, line, key, says }) => {
    const result = parseConfig(text, file, {})
    const all = result.ok ? [] : result.problems
    // What is not in its format may be wrong further down by consequence; all else is told once.
    const problems = all.filter(({ code }, index) => index === 0 || code !== 'syntax')
    expect(problems).toMatchObject([{ file, line, key, message: expect.stringContaining(says) as string }])
  })
})

it('there are many of them', () => {
  expect(yamlRows.length + jsonRows.length + tomlRows.length).toBeGreaterThanOrEqual(40)
})
