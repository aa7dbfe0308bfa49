// Exit codes and errors of the command line (docs/interfaces.md, sections 2 and 5).
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { patchbayFile, runNode, runPatchbay, Scratch } from '../hosts/built.ts'
import { toServerEntry } from '../hosts/headless.ts'

describe('a configuration with errors', () => {
  const yaml = `version: 1
servers:
  files:
    command: node
    args: [x]
    enabeld: true
  other:
    command: 7
  "bad name":
    command: node
`

  it.each(['serve', 'check'])('%s says file, line, key and what is expected, exit 1', async (command) => {
    using scratch = new Scratch()
    const file = scratch.write('patchbay.yaml', yaml)
    const args = [command, '--config', file, '--data-dir', scratch.dataDir]
    const { code, stdout, stderr } = await runPatchbay(args, scratch)
    const text = stdout + stderr
    expect(code).toBe(1)
    expect(text).toMatch(/patchbay\.yaml:6.*enabeld.*enabled/)
    expect(text).toMatch(/patchbay\.yaml:8.*command/)
    expect(text).toMatch(/patchbay\.yaml:9.*bad name/)
    if (command === 'serve') expect(stdout).toBe('')
  })

  it.each([
    ['patchbay.json', '{\n  "version": 1,\n  "servers": {\n    "a": { "command": "x" \n  }\n'],
    ['patchbay.yaml', 'version: 1\nservers:\n  a: [}\n'],
    ['patchbay.toml', 'version = 1\n\n[servers.a\ncommand = "x"\n'],
  ])('that cannot be parsed: %s', async (name, text) => {
    using scratch = new Scratch()
    const args = ['serve', '--config', scratch.write(name, text), '--data-dir', scratch.dataDir]
    const { code, stderr } = await runPatchbay(args, scratch)
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`${name}:\\d+`))
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  it('that is not there', async () => {
    using scratch = new Scratch()
    const args = ['serve', '--config', 'nowhere.yaml', '--data-dir', scratch.dataDir]
    const { code, stdout, stderr } = await runPatchbay(args, { env: scratch.env, cwd: scratch.folder })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/nowhere\.yaml/)
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  it('with a variable that must be set says so', async () => {
    using scratch = new Scratch()
    const file = scratch.write(
      'patchbay.yaml',
      'version: 1\nservers:\n  a:\n    command: ${NOT_SET_HERE:?set it to the program}\n',
    )
    const { code, stderr } = await runPatchbay(
      ['serve', '--config', file, '--data-dir', scratch.dataDir],
      scratch,
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(/patchbay\.yaml:4.*set it to the program/)
  })

  it.each([
    { what: 'a profile', config: { profiles: { work: {} } }, says: /profiles/ },
    { what: 'TCP', config: { servers: { a: { type: 'tcp', host: 'h', port: 1 } } }, says: /servers\.a/ },
  ])('with what is not built yet is refused, not ignored: $what', async ({ config, says }) => {
    using scratch = new Scratch()
    const file = scratch.write('patchbay.json', JSON.stringify({ version: 1, ...config }))
    const { code, stderr } = await runPatchbay(
      ['serve', '--config', file, '--data-dir', scratch.dataDir],
      scratch,
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(says)
  })

  it('a TOML file works as well', async () => {
    using scratch = new Scratch()
    const { command, args } = toServerEntry('echo.ts')
    const text = `version = 1\n[servers.echo]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`
    const file = scratch.write('patchbay.toml', text)
    const outcome = await runPatchbay(
      ['check', '--ping', '--config', file, '--data-dir', scratch.dataDir],
      scratch,
    )
    expect(outcome.code).toBe(0)
  })
})

describe('a log that cannot be written', () => {
  it.each([
    {
      what: 'logs is a file',
      spoil: (dataDir: string) => {
        writeFileSync(path.join(dataDir, 'logs'), '')
      },
    },
    {
      what: 'app.log is a folder',
      spoil: (dataDir: string) => {
        mkdirSync(path.join(dataDir, 'logs/app.log'), { recursive: true })
      },
    },
  ])('$what: one sentence, and it goes on', async ({ spoil }) => {
    using scratch = new Scratch()
    mkdirSync(scratch.dataDir)
    spoil(scratch.dataDir)
    const args = ['serve', '--stdio', '--log-level', 'error', '--data-dir', scratch.dataDir]
    const { code, stdout, stderr } = await runPatchbay(args, scratch)
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^\S+ warning The log “[^\n]*app\.log” cannot be written: [^\n]*\n$/)
  })
})

describe('options for what is not built yet', () => {
  it.each([['--secrets', 'os']])('serve %s says at warning that it has no effect', async (option, value) => {
    using scratch = new Scratch()
    const args = ['serve', '--stdio', option, value, '--data-dir', scratch.dataDir]
    const { code, stderr } = await runPatchbay(args, scratch)
    expect(code).toBe(0)
    expect(stderr).toMatch(new RegExp(`warning [^\\n]*not built yet[^\\n]*${option}[^\\n]*no effect`))
  })
})

describe('wrong usage', () => {
  it.each([
    [[]],
    [['nonsense']],
    [['serve', '--nonsense']],
    [['serve', '--log-level', 'loud']],
    [['serve', '--config']],
    [['serve', '--port', '65536']],
    [['serve', '--port', 'http']],
    [['serve', '--host', 'http://localhost']],
    [['serve', '--auth', 'basic']],
    [['token', 'more']],
    [['serve', 'more']],
    [['check', '--nonsense']],
    [['connect', '--nonsense']],
    [['logs']],
    [['logs', '../etc']],
    [['logs', 'files', '--lines', 'many']],
    [['logs', 'files', '--stream', 'stdin']],
  ])('%j: exit 2, told on stderr', async (args) => {
    using scratch = new Scratch()
    const { code, stdout, stderr } = await runPatchbay(args, { env: scratch.env, cwd: scratch.folder })
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toBe('')
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

describe('--help', () => {
  it.each([
    [['--help'], ['serve', 'connect', 'check', 'logs']],
    [
      ['serve', '--help'],
      [
        '--config',
        '--data-dir',
        '--stdio',
        '--no-http',
        '--log-level',
        '--port',
        '--host',
        '--auth',
        '--secrets',
      ],
    ],
    [
      ['check', '--help'],
      ['--config', '--ping', '--json'],
    ],
    [
      ['logs', '--help'],
      ['--lines', '--follow', '--stream', '--data-dir'],
    ],
    [
      ['connect', '--help'],
      ['--client', '--profile', '--server', '--data-dir', '--no-start', '--wait'],
    ],
  ])('%j: exit 0, told on stdout', async (args, words) => {
    using scratch = new Scratch()
    const { code, stdout, stderr } = await runPatchbay(args, scratch)
    expect([code, stderr]).toEqual([0, ''])
    for (const word of words) expect(stdout).toContain(word)
  })

  it('--version tells the version', async () => {
    using scratch = new Scratch()
    const { code, stdout } = await runPatchbay(['--version'], scratch)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
  })
})

it('never imports electron', async () => {
  using scratch = new Scratch()
  const trap = scratch.write(
    'trap.mjs',
    `import { registerHooks } from 'node:module'
registerHooks({ resolve(specifier, context, next) {
  if (specifier === 'electron' || specifier.startsWith('electron/')) { console.error('ELECTRON'); process.exit(99) }
  return next(specifier, context)
} })`,
  )
  for (const command of [['--help'], ['check', '--data-dir', scratch.dataDir]]) {
    const { code, stderr } = await runNode(['--import', trap, patchbayFile, ...command], scratch)
    expect(stderr).not.toContain('ELECTRON')
    expect(code).toBe(0)
  }
})
