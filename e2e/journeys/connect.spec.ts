// `connect` and the shim: one program, when it waits, when it exits and with what.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import { connectProcess, type RawClient } from '../clients/raw-client.ts'
import { eventually, time } from '../clients/views.ts'
import { patchbayFile, Scratch, shimFile } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { isRunning } from '../hosts/processes.ts'

let app: Headless

beforeAll(async () => {
  app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } } })
})

afterAll(() => app.dispose())

const programs = [
  { name: 'the shim', program: [shimFile] },
  { name: 'patchbay connect', program: [patchbayFile, 'connect'] },
] as const

function run(
  program: readonly string[],
  args: string[],
  { env, folder: cwd }: Scratch | Headless,
): RawClient {
  return connectProcess({ command: process.execPath, args: [...program, ...args], env, cwd })
}

function waitForEnd(client: RawClient, deadline = 3000): Promise<number | null> {
  return withDeadline(client.wire.closed, deadline, () => `it goes on\n${client.describe()}`)
}

describe.each(programs)('$name', ({ program }) => {
  it('joins stdin and stdout to the running app', async () => {
    const client = run(program, ['--data-dir', app.dataDir, '--client', 'test'], app)
    await client.initialize()
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
    const { value, took } = await time(() => client.close())
    expect(value).toBe(0)
    expect(took).toBeLessThan(1000)
    expect(client.stderr).toBe('')
  })

  it("exits 0 within 1 s of stdin's end, also with a call in flight", async () => {
    const client = run(program, ['--data-dir', app.dataDir], app)
    await client.initialize()
    client.request('tools/call', { name: 'echo__sleep', arguments: { ms: 60_000 } }).catch(String)
    await client.callText('echo__count')
    const { value, took } = await time(() => client.close())
    expect(value).toBe(0)
    expect(took).toBeLessThan(1000)
  })

  it("answers what was asked before stdin's end", async () => {
    const client = run(program, ['--data-dir', app.dataDir], app)
    const answers = [client.initialize(), client.request('tools/list')]
    client.wire.end()
    for (const answer of await Promise.all(answers)) expect(answer.error).toBeUndefined()
    expect(await waitForEnd(client)).toBe(0)
  })

  it('finds the app by PATCHBAY_HOME', async () => {
    const env = { ...app.env, PATCHBAY_HOME: app.dataDir }
    const client = connectProcess({ command: process.execPath, args: [...program], env, cwd: app.folder })
    await client.initialize()
    expect(await client.close()).toBe(0)
  })

  it('says one sentence and exits 1 when there is no app within --wait', async () => {
    using scratch = new Scratch()
    const client = run(program, ['--data-dir', scratch.dataDir, '--no-start', '--wait', '1'], scratch)
    const { value, took } = await time(() => waitForEnd(client))
    expect(value).toBe(1)
    expect(took).toBeGreaterThan(900)
    expect(client.stderr).toMatch(/^[^\n]*Patchbay[^\n]*\n$/)
    expect(client.received).toEqual([])
  })

  it('exits 2 on wrong usage, 0 on --help', async () => {
    for (const args of [['--nonsense'], ['--wait', 'long'], ['more']]) {
      const client = run(program, args, app)
      expect(await waitForEnd(client)).toBe(2)
      expect(client.stderr).toMatch(/--data-dir/)
    }
    const client = run(program, ['--help'], app)
    client.wire.input.removeAllListeners('data')
    let text = ''
    client.wire.input.on('data', (chunk: Buffer) => (text += chunk.toString()))
    expect(await waitForEnd(client)).toBe(0)
    expect(text).toMatch(/--no-start/)
  })

  it('tells the refusal of an unknown server and exits 1', async () => {
    const client = run(program, ['--data-dir', app.dataDir, '--server', 'nonsense'], app)
    expect(await waitForEnd(client)).toBe(1)
    expect(client.stderr).toMatch(/^[^\n]*nonsense[^\n]*\n$/)
  })

  it('tells the refusal of an unknown profile and exits 1', async () => {
    const client = run(program, ['--data-dir', app.dataDir, '--profile', 'work'], app)
    expect(await waitForEnd(client)).toBe(1)
    expect(client.stderr).toMatch(/^[^\n]*work[^\n]*\n$/)
  })

  it('starts the app by launch.json, which goes on when the shim has gone', async () => {
    using scratch = new Scratch()
    const config = scratch.writeServers({ echo: toServerEntry('echo.ts') })
    const launch = (args: string[]): void => {
      writeFileSync(
        path.join(scratch.folder, 'launch.json'),
        JSON.stringify({ version: 1, command: process.execPath, args }),
      )
    }
    launch([patchbayFile, 'serve', '--no-http', '--config', config, '--data-dir', scratch.folder])
    const client = run(program, ['--data-dir', scratch.folder], scratch)
    await client.initialize()
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
    const rendezvous = readFileSync(path.join(scratch.folder, 'rendezvous.json'), 'utf8')
    const { pid } = JSON.parse(rendezvous) as { pid: number }
    try {
      expect(await client.close()).toBe(0)
      expect(isRunning(pid)).toBe(true)
      const next = run(program, ['--data-dir', scratch.folder, '--no-start'], scratch)
      await next.initialize()
      expect(await next.callText('echo__count')).toBe('2')
      await next.close()
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    await eventually(() => isRunning(pid)).toBe(false)
  })

  it('says what launch.json lacks', async () => {
    using scratch = new Scratch()
    scratch.write('launch.json', '{"version":1,"command":"no-such-command-of-ours","args":[]}')
    const client = run(program, ['--data-dir', scratch.folder, '--wait', '1'], scratch)
    expect(await waitForEnd(client)).toBe(1)
    expect(client.stderr).toMatch(/^[^\n]*no-such-command-of-ours[^\n]*\n$/)
  })
})

it('a rendezvous that a killed app left behind is no app', async () => {
  const own = await startHeadless({ config: { servers: {} } })
  try {
    await own.kill()
    expect(readFileSync(path.join(own.dataDir, 'rendezvous.json'), 'utf8')).toContain('"pid"')
    const client = run([shimFile], ['--data-dir', own.dataDir, '--no-start', '--wait', '0.5'], own)
    expect(await waitForEnd(client)).toBe(1)
    // Nor does it keep the next app from starting.
    await own.start()
    const next = own.openShim()
    await next.initialize()
  } finally {
    await own.dispose()
  }
})
