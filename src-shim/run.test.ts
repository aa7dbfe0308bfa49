import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until, writeRendezvous } from './testing/fake-app.ts'
import { initialize, initialized, Scene } from './testing/scene.ts'

let scene: Scene

beforeEach(async () => {
  scene = await Scene.create()
})

afterEach(() => scene.close())

describe('1. options', { timeout: 60_000 }, () => {
  it('shows help on stdout and exits 0', async () => {
    const shim = scene.startShim('--help')
    expect(await shim.exited).toBe(0)
    expect(shim.lines.join('\n')).toContain('--wait SECONDS')
    expect(shim.stderr).toBe('')
  })

  it.each([[['--nonsense']], [['--wait', 'soon']], [['positional']], [['--client']]])(
    'refuses %j with usage and exit code 2',
    async (args) => {
      const shim = scene.startShim(...args)
      expect(await shim.exited).toBe(2)
      expect(shim.stderr).toContain('Options: --client NAME')
      expect(shim.lines).toEqual([])
    },
  )

  it('says who it is in the hello', async () => {
    const app = await scene.startApp()
    scene.startShim('--client', 'cursor', '--profile', 'work', '--server', 'files')
    await until(() => app.connections.length === 1)
    expect(app.last.hello).toEqual({
      patchbay: 1,
      token: 'secret',
      client: { name: 'cursor', pid: process.pid, cwd: process.cwd() },
      profile: 'work',
      server: 'files',
    })
  })

  it('is called editor when nobody names it', async () => {
    const app = await scene.startApp()
    scene.startShim()
    await until(() => app.connections.length === 1)
    expect(app.last.hello).toMatchObject({ client: { name: 'editor' }, profile: null, server: null })
  })
})

describe('2. the first connection', { timeout: 60_000 }, () => {
  it('waits for an app that comes late, and holds the lines that come before', async () => {
    const shim = scene.startShim('--no-start', '--wait', '20')
    shim.send(initialize, initialized)
    await writeFile(path.join(scene.folder, 'rendezvous.json'), '{"version":1,') // as if half written
    const app = await scene.startApp()
    await until(() => app.connections.length === 1 && app.last.lines.length === 2)
    expect(app.last.lines).toEqual([initialize, initialized])
    expect(shim.stderr).toBe('')
  })

  it('gives up after --wait with one sentence and exit code 1', async () => {
    const start = Date.now()
    const shim = scene.startShim('--no-start', '--wait', '1')
    expect(await shim.exited).toBe(1)
    expect(Date.now() - start).toBeGreaterThan(900)
    expect(shim.stderr).toMatch(
      /^Patchbay could not be reached within 1 s \(it is not running\): open Patchbay, then restart .*\.\n$/,
    )
    expect(shim.lines).toEqual([])
  })

  it('starts the app once by launch.json', async () => {
    const place = path.join(scene.folder, 'launched.sock')
    const rendezvous = JSON.stringify({ version: 1, pid: 1, socket: place, token: 't' })
    const script = `
      const fs = require('node:fs'), net = require('node:net')
      fs.appendFileSync('starts', process.cwd() + ' ' + String(process.env.NODE_OPTIONS) + '\\n')
      const server = net.createServer((socket) => {
        socket.on('error', () => {})
        socket.on('close', () => process.exit(0))
        socket.once('data', () => socket.write('{"patchbay":1,"ok":true}\\n{"jsonrpc":"2.0","method":"hi"}\\n'))
      })
      setTimeout(() => server.listen(${JSON.stringify(place)}, () =>
        fs.writeFileSync('rendezvous.json', ${JSON.stringify(rendezvous)})), 400)
    `
    await writeFile(path.join(scene.folder, 'app.cjs'), script)
    const launch = { version: 1, command: process.execPath, args: [path.join(scene.folder, 'app.cjs')] }
    await writeFile(path.join(scene.folder, 'launch.json'), JSON.stringify(launch))
    const shim = scene.startShim()
    expect(await shim.find('hi')).toBe('{"jsonrpc":"2.0","method":"hi"}')
    expect((await shim.end()).code).toBe(0)
    const starts = await readFile(path.join(scene.folder, 'starts'), 'utf8')
    expect(starts.trim().split('\n')).toHaveLength(1)
    expect(starts).toContain('undefined')
  })

  it('leaves launch.json alone with --no-start', async () => {
    const mark = path.join(scene.folder, 'started')
    const args = ['-e', `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`]
    await writeFile(
      path.join(scene.folder, 'launch.json'),
      JSON.stringify({ version: 1, command: process.execPath, args }),
    )
    expect(await scene.startShim('--no-start', '--wait', '0.5').exited).toBe(1)
    await expect(readFile(mark)).rejects.toThrow('ENOENT')
  })

  it.each([
    [{ version: 1, command: '/nowhere/patchbay', args: [] }, '/nowhere/patchbay was not found (ENOENT)'],
    [{ version: 1, command: process.execPath, args: ['-e', 'process.exit(3)'] }, 'ended with code 3'],
    [{ version: 7 }, 'launch.json is not of version 1'],
  ])('says why the app could not be started: %j', async (launch, words) => {
    await writeFile(path.join(scene.folder, 'launch.json'), JSON.stringify(launch))
    const shim = scene.startShim('--wait', '1')
    expect(await shim.exited).toBe(1)
    expect(shim.stderr).toContain(words)
    expect(shim.stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each(['unknown-server', 'unknown-profile'])('tells at once of a refusal %s', async (code) => {
    await scene.startApp({ answerHello: () => ({ patchbay: 1, ok: false, code, message: 'No such thing.' }) })
    const shim = scene.startShim('--server', 'nope')
    expect(await shim.exited).toBe(1)
    expect(shim.stderr).toBe('No such thing.\n')
  })

  it('reads the rendezvous file again after bad-token, once', async () => {
    const refusal = { patchbay: 1, ok: false, code: 'bad-token', message: 'Wrong token.' }
    const app = await scene.startApp({ answerHello: () => refusal })
    const shim = scene.startShim()
    expect(await shim.exited).toBe(1)
    expect(shim.stderr).toBe('Wrong token.\n')
    expect(app.hellos).toHaveLength(2)
  })

  it('takes the new token after bad-token', async () => {
    const app = await scene.startApp({
      answerHello: ({ token }) =>
        token === 'new'
          ? { patchbay: 1, ok: true }
          : { patchbay: 1, ok: false, code: 'bad-token', message: '' },
    })
    const { socket } = JSON.parse(await readFile(path.join(scene.folder, 'rendezvous.json'), 'utf8')) as {
      socket: string
    }
    await writeRendezvous(scene.folder, { socket, token: 'old' })
    scene.startShim()
    await until(() => app.hellos.length === 1)
    await writeRendezvous(scene.folder, { socket, token: 'new' })
    await until(() => app.connections.length === 1)
  })

  it('tries again when the app is busy', async () => {
    let tries = 0
    const busy = { patchbay: 1, ok: false, code: 'busy', message: 'Later.' }
    const app = await scene.startApp({
      answerHello: () => (++tries < 3 ? busy : { patchbay: 1, ok: true }),
    })
    scene.startShim()
    await until(() => app.connections.length === 1)
    expect(app.hellos).toHaveLength(3)
  })

  it('gives up on one that does not answer as Patchbay does', async () => {
    await scene.startApp({ answerHello: () => ({ hello: 'stranger' }) })
    const shim = scene.startShim('--no-start', '--wait', '0.3')
    expect(await shim.exited).toBe(1)
    expect(shim.stderr).toContain('does not answer as Patchbay does')
  })
})
