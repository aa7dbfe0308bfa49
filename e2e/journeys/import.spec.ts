// `patchbay import`: from a file to config.json, alone and beside a running app.
import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../clients/views.ts'
import { patchbayFile, runPatchbay, Scratch, type Outcome } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'

function importFile(scratch: Scratch, file: string, ...args: string[]): Promise<Outcome> {
  return runPatchbay(['import', file, '--data-dir', scratch.dataDir, ...args], scratch)
}

function configOf(scratch: Scratch): string {
  return path.join(scratch.dataDir, 'config.json')
}

function serversOf(scratch: Scratch): JsonObject {
  return (JSON.parse(readFileSync(configOf(scratch), 'utf8')) as { servers: JsonObject }).servers
}

function writeConfig(scratch: Scratch, text: string): void {
  mkdirSync(scratch.dataDir, { mode: 0o700 })
  writeFileSync(configOf(scratch), text, { mode: 0o600 })
}

function writeEditorFile(scratch: Scratch, servers: JsonObject, name = 'mcp.json'): string {
  return scratch.write(name, `// mine\n${JSON.stringify({ mcpServers: servers })}`)
}

describe('import', () => {
  it('makes config.json, which then holds; a second time everything is there already', async () => {
    using scratch = new Scratch()
    const file = writeEditorFile(scratch, {
      echo: { ...toServerEntry('echo.ts'), env: { GITHUB_TOKEN: token } },
      bad: { command: 7 },
    })
    const first = await importFile(scratch, file)
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(first.stdout).toMatch(/^1 server added to .*config\.json, 1 left out\.\n/)
    expect(first.stdout).toMatch(/^- bad \(.*mcp\.json:2\): /m)
    expect(first.stdout).toMatch(/plain text.*env\.GITHUB_TOKEN/)
    expect(first.stdout).not.toContain(token)
    expect(statSync(configOf(scratch)).mode & 0o777).toBe(0o600)
    expect(statSync(scratch.dataDir).mode & 0o777).toBe(0o700)
    expect(serversOf(scratch)).toMatchObject({ echo: { env: { GITHUB_TOKEN: token } } })
    const checked = await runPatchbay(['check', '--ping', '--data-dir', scratch.dataDir], scratch)
    expect(checked.stdout).toMatch(/^echo: answered/m)
    expect(checked.code).toBe(0)

    const before = readFileSync(configOf(scratch))
    const second = await importFile(scratch, file)
    expect(second.code).toBe(0)
    expect(second.stdout).toContain('= echo: already there as "echo".')
    expect(readFileSync(configOf(scratch))).toEqual(before)
  })

  it('keeps what stands in config.json, and a copy of it', async () => {
    using scratch = new Scratch()
    const text =
      '{\n  // mine\n  "version": 1,\n  "servers": {\n    "a": { "command": "x" } // first\n  }\n}\n'
    writeConfig(scratch, text)
    const file = scratch.write('codex.toml', '# c\n[mcp_servers.b]\ncommand = "y"\n')
    const { code } = await importFile(scratch, file)
    expect(code).toBe(0)
    expect(readFileSync(configOf(scratch), 'utf8')).toBe(
      text.replace('"x" } // first\n', '"x" }, // first\n    "b": {\n      "command": "y"\n    }\n'),
    )
    expect(readFileSync(`${configOf(scratch)}.bak`, 'utf8')).toBe(text)
  })

  it('takes servers behind addresses along, with headers, and shows no secret of them', async () => {
    using scratch = new Scratch()
    const file = writeEditorFile(scratch, {
      docs: {
        type: 'streamable-http',
        url: 'https://example.com/mcp',
        headers: { Authorization: `Bearer ${token}` },
      },
      old: { type: 'sse', serverUrl: 'https://example.com/sse', headers: { Accept: '*/*' }, disabled: true },
      gemini: { httpUrl: 'https://example.com/g?key=hush' },
    })
    const { code, stdout } = await importFile(scratch, file)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^3 servers added to /)
    expect(stdout).toMatch(/plain text.*headers\.Authorization/)
    expect(stdout).toContain('Not taken, since Patchbay sets it itself: Accept.')
    expect(stdout).not.toMatch(new RegExp(`${token}|hush`))
    expect(serversOf(scratch)).toEqual({
      docs: { type: 'http', url: 'https://example.com/mcp', headers: { Authorization: `Bearer ${token}` } },
      old: { type: 'sse', url: 'https://example.com/sse', enabled: false },
      gemini: { type: 'http', url: 'https://example.com/g?key=hush' },
    })
    const checked = await runPatchbay(['check', '--data-dir', scratch.dataDir], scratch)
    expect(checked.code).toBe(0)
    expect(checked.stdout).toContain('  gemini: http, https://example.com/g\n')
    expect(checked.stdout).not.toContain('hush')
  })

  it('--dry-run shows it and writes nothing', async () => {
    using scratch = new Scratch()
    const file = writeEditorFile(scratch, { a: { command: 'x', env: { API_KEY: token } } })
    const { code, stdout } = await importFile(scratch, file, '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^1 server would be added/)
    expect(stdout).toContain('"API_KEY": "•••"')
    expect(stdout).not.toContain(token)
    expect(existsSync(scratch.dataDir)).toBe(false)
  })

  it('reads stdin', async () => {
    using scratch = new Scratch()
    const args = [patchbayFile, 'import', '-', '--data-dir', scratch.dataDir]
    const child = spawn(process.execPath, args, { env: scratch.env, cwd: scratch.folder, stdio: 'pipe' })
    child.stdin.end('mcpServers: { a: { command: x } }')
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(0)
    expect(serversOf(scratch)).toEqual({ a: { command: 'x' } })
  })

  it('two at once lose nothing', async () => {
    using scratch = new Scratch()
    writeConfig(scratch, '{ "version": 1 }')
    const names = ['a', 'b', 'c', 'd']
    const outcomes = await Promise.all(
      names.map((name) => importFile(scratch, writeEditorFile(scratch, { [name]: { command: name } }, name))),
    )
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(Object.keys(serversOf(scratch)).sort()).toEqual(names)
  })
})

describe('import that fails', () => {
  it.each([
    {
      what: 'broken',
      text: '{\n  "mcpServers": {\n    "a" 1\n',
      says: /file\.json:3:\d+: This is not valid JSON/,
    },
    {
      what: 'of no known shape',
      text: '{ "editor.fontSize": 3 }',
      says: /file\.json: .*"context_servers"/,
    },
  ])('exits 1 and writes nothing when the file is $what', async ({ text, says }) => {
    using scratch = new Scratch()
    const { code, stdout, stderr } = await importFile(scratch, scratch.write('file.json', text))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(existsSync(scratch.dataDir)).toBe(false)
  })

  it('exits 1 when nothing can be taken, or there is no file; 2 for wrong usage', async () => {
    using scratch = new Scratch()
    const none = await importFile(scratch, writeEditorFile(scratch, { a: {} }))
    expect(none.code).toBe(1)
    expect(none.stdout).toMatch(/^- a \(.*:2\): It has neither a command nor an address\.$/m)
    const lost = await importFile(scratch, 'nowhere.json')
    expect([lost.code, lost.stderr]).toEqual([1, 'nowhere.json: There is no such file.\n'])
    expect((await runPatchbay(['import'], scratch)).code).toBe(2)
    expect((await runPatchbay(['import', 'x', '--dry'], scratch)).code).toBe(2)
    expect(existsSync(scratch.dataDir)).toBe(false)
  })

  it('exits 1 at once when the file is a pipe, and goes on at a lock of a time to come', async () => {
    using scratch = new Scratch()
    const pipe = path.join(scratch.folder, 'pipe.json')
    execFileSync('mkfifo', [pipe])
    const refused = await importFile(scratch, pipe)
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `${pipe}: This is no regular file; expected a file, or - for stdin.\n`,
    ])
    writeConfig(scratch, '{ "version": 1 }')
    const lock = `${configOf(scratch)}.lock`
    writeFileSync(lock, '')
    const tomorrow = Date.now() / 1000 + 86_400
    utimesSync(lock, tomorrow, tomorrow)
    expect((await importFile(scratch, writeEditorFile(scratch, { a: { command: 'x' } }))).code).toBe(0)
  })

  it.each(['{ "version": 1, "servers": { "a": { "comand": "x" } } }', '{ "version": 1'])(
    'does not touch a config.json with problems: %s',
    async (text) => {
      using scratch = new Scratch()
      writeConfig(scratch, text)
      const { code, stderr } = await importFile(scratch, writeEditorFile(scratch, { b: { command: 'x' } }))
      expect(code).toBe(1)
      expect(stderr).toMatch(/config\.json:1:\d+/)
      expect(readFileSync(configOf(scratch), 'utf8')).toBe(text)
    },
  )
})

it('says so when config.json cannot be written, and leaves it as it was', async () => {
  using scratch = new Scratch()
  writeConfig(scratch, '{ "version": 1 }')
  mkdirSync(`${configOf(scratch)}.bak`)
  const { code, stderr } = await importFile(scratch, writeEditorFile(scratch, { a: { command: 'x' } }))
  expect(code).toBe(1)
  expect(stderr).toMatch(/^[^\n]*config\.json cannot be written \(\w+\); it is as it was\.\n$/)
  expect(readFileSync(configOf(scratch), 'utf8')).toBe('{ "version": 1 }')
  expect(readdirSync(scratch.dataDir).sort()).toEqual(['config.json', 'config.json.bak'])
})

describe('import beside a running app', () => {
  it('says that the app picks the change up when it runs config.json', async () => {
    using scratch = new Scratch()
    const args = [patchbayFile, 'serve', '--no-http', '--data-dir', scratch.dataDir]
    const serving = spawn(process.execPath, args, { env: scratch.env, cwd: scratch.folder, stdio: 'pipe' })
    try {
      let ready = ''
      serving.stdout.on('data', (chunk: Buffer) => (ready += chunk.toString()))
      serving.stderr.resume()
      await eventually(() => ready).toContain('\n')
      const { code, stdout } = await importFile(scratch, writeEditorFile(scratch, { a: { command: 'x' } }))
      expect(code).toBe(0)
      expect(stdout).toContain(`The running app, pid ${serving.pid}, picks the change up by itself.`)
      expect(serversOf(scratch)).toEqual({ a: { command: 'x' } })
    } finally {
      serving.kill('SIGKILL')
    }
  })

  it('knows config.json of the app by another path of the data folder', async () => {
    using scratch = new Scratch()
    mkdirSync(path.join(scratch.folder, 'real'))
    symlinkSync('real', path.join(scratch.folder, 'link'))
    const args = ['--no-http', '--data-dir', path.join(scratch.folder, 'link/data')]
    const serving = spawn(process.execPath, [patchbayFile, 'serve', ...args], {
      env: scratch.env,
      cwd: scratch.folder,
      stdio: 'pipe',
    })
    try {
      let ready = ''
      serving.stdout.on('data', (chunk: Buffer) => (ready += chunk.toString()))
      serving.stderr.resume()
      await eventually(() => ready).toContain('\n')
      const file = writeEditorFile(scratch, { a: { command: 'x' } })
      const dataDir = path.join(scratch.folder, 'real/data')
      const { code, stdout } = await runPatchbay(['import', file, '--data-dir', dataDir], scratch)
      expect(code).toBe(0)
      expect(stdout).toContain(`The running app, pid ${serving.pid}, picks the change up by itself.`)
    } finally {
      serving.kill('SIGKILL')
    }
  })

  it('refuses when the app uses another file, and shows what to add there', async () => {
    app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
    const file = path.join(app.folder, 'mcp.json')
    writeFileSync(file, JSON.stringify({ a: { command: 'x', env: { API_KEY: token } } }))
    const { code, stdout, stderr } = await runPatchbay(['import', file, '--data-dir', app.dataDir], app)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`The running app uses ${app.configFile}, which Patchbay does not write`)
    expect(stderr).toContain('"command": "x"')
    expect(stderr).not.toContain(token)
    expect(existsSync(path.join(app.dataDir, 'config.json'))).toBe(false)
  })
})
