// Where `patchbay check` finds the configuration, and what it says of the files that it does not use.
import { chmodSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPatchbay, Scratch, type Outcome } from '../hosts/built.ts'
import type { JsonObject } from '../servers/json-values.ts'

const toText = (...names: readonly string[]): string => {
  const servers = Object.fromEntries(names.map((name) => [name, { command: 'x' }]))
  return JSON.stringify({ version: 1, servers })
}

/** A scratch folder with `project/deep`, in which commands are run, and the data folder. */
class Places extends Scratch {
  readonly deep = path.join(this.folder, 'project/deep')

  constructor() {
    super()
    mkdirSync(this.deep, { recursive: true })
    mkdirSync(this.dataDir)
  }

  check(...args: readonly string[]): Promise<Outcome> {
    const command = ['check', '--data-dir', this.dataDir, ...args]
    return runPatchbay(command, { env: this.env, cwd: this.deep })
  }

  async checkJson(...args: readonly string[]): Promise<JsonObject> {
    return JSON.parse((await this.check('--json', ...args)).stdout) as JsonObject
  }
}

describe('check without --config', () => {
  it('uses the nearest file, and names those that it hides', async () => {
    using places = new Places()
    const own = places.write('data/config.json', toText('own'))
    const far = places.write('patchbay.yaml', toText('far'))
    const near = places.write('project/patchbay.json', toText('near', 'next'))
    const twin = places.write('project/patchbay.toml', 'version = 1')
    const { code, stdout, stderr } = await places.check()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.trimEnd().split('\n').sort()).toEqual(
      [
        `${near}: 2 servers, no problems.`,
        '  near: stdio, x',
        '  next: stdio, x',
        `${twin} is there too, but is not used: ${near} comes first.`,
        `${far} is there too, but is not used: ${near} comes first.`,
        `${own} is there too, but only its overrides are used: ${near} comes first.`,
      ].sort(),
    )
    expect(await places.checkJson()).toMatchObject({
      ok: true,
      file: near,
      searched: [
        { file: near, outcome: 'used' },
        { file: twin, outcome: 'hidden' },
        { file: far, outcome: 'hidden' },
        { file: own, outcome: 'hidden' },
      ],
    })
  })

  it('names config.json alone when there is nothing', async () => {
    using places = new Places()
    const file = path.join(places.dataDir, 'config.json')
    const { code, stdout } = await places.check()
    expect([code, stdout]).toEqual([
      0,
      `There is no ${file} yet. Write one, or name another with --config.\n`,
    ])
    expect(await places.checkJson()).toMatchObject({ file, searched: [] })
  })

  it('refuses a file that everybody may write, with a sentence', async () => {
    using places = new Places()
    const file = places.write('project/patchbay.json', toText('near'))
    chmodSync(file, 0o666)
    const { code, stdout } = await places.check()
    expect(code).toBe(1)
    expect(stdout).toMatch(`${file}: This file was found here, but it may be written by every user`)
    expect(await places.checkJson()).toMatchObject({ ok: false, searched: [{ file, outcome: 'refused' }] })
    expect((await places.check('--config', file)).code).toBe(0)
  })
})

describe('check with overrides', () => {
  it('shows what holds, and by which file', async () => {
    using places = new Places()
    const file = places.write('c.json', toText('files', 'docs'))
    const overrides = { servers: { docs: { enabled: false }, files: { tools: { disabled: ['rm'] } } } }
    const own = places.write('data/config.json', JSON.stringify({ version: 1, overrides }))
    const { code, stdout } = await places.check('--config', file)
    expect(code).toBe(0)
    expect(stdout).toContain(`${file}: 2 servers (1 switched off), no problems.\n`)
    expect(stdout).toContain(
      `servers.docs.enabled is false by the overrides in ${own}; without them it would be true.\n`,
    )
    expect(stdout).toContain(`servers.files.tools.disabled is ["rm"] by the overrides in ${own}`)
    expect(await places.checkJson('--config', file)).toMatchObject({
      overrides: [
        { server: 'files', key: 'tools.disabled', value: ['rm'], instead: [], file: own },
        { server: 'docs', key: 'enabled', value: false, instead: true, file: own },
      ],
    })
  })

  it('that are broken says where, and what holds without them', async () => {
    using places = new Places()
    const file = places.write('c.json', toText('files'))
    const own = places.write('data/config.json', '{"version":1,\n"overrides":{"server":{}}}')
    const { code, stdout } = await places.check('--config', file)
    expect(code).toBe(1)
    expect(stdout).toContain(`${own}:2:14 overrides.server: The key "server" is not known here`)
    expect(stdout).toContain(`${file}: 1 server, no problems.`)
  })
})

describe('a file in the working directory', () => {
  it('is used by serve, but not by serve --stdio, which an editor starts in any project', async () => {
    using places = new Places()
    const file = places.write('project/patchbay.json', '{')
    const serve = ['serve', '--data-dir', places.dataDir]
    const found = await runPatchbay(serve, { env: places.env, cwd: places.deep })
    expect(found.code).toBe(1)
    expect(found.stderr).toContain(`${file}:1:`)
    const stdio = await runPatchbay([...serve, '--stdio'], { env: places.env, cwd: places.deep })
    expect(stdio.code).toBe(0)
    expect(stdio.stderr).not.toContain(file)
  })
})

it('a broken config.json with a last good copy: both are told', async () => {
  using places = new Places()
  const own = places.write('data/config.json', '{')
  const copy = places.write('data/config.json.bak', toText('files'))
  const { code, stdout } = await places.check()
  expect(code).toBe(1)
  expect(stdout).toContain(`${own}:1:`)
  expect(stdout).toContain(`${copy} holds`)
})

it("an editor's file in place of config.json: the way to take it over", async () => {
  using places = new Places()
  places.write('data/config.json', '{"mcpServers":{}}')
  const { code, stdout } = await places.check()
  expect(code).toBe(1)
  expect(stdout).toContain('`patchbay import FILE`')
})
