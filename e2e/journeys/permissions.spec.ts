// Only this user reaches the data folder and the socket (docs/interfaces.md, sections 3 and 4).
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually, waitForTool } from '../clients/views.ts'
import { runPatchbay } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const canBecomeAnother = process.getuid?.() === 0 && existsSync('/usr/bin/setpriv')
const stranger = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e']

/** Runs a script of Node as a user without rights; gives what it printed. */
function runAsStranger(script: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('setpriv', [...stranger, script, ...args], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  })
  if (status !== 0) throw new Error(`It ended with ${status}: ${stderr}`)
  return stdout.trim()
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<Headless> {
  app = await startHeadless({ config: { servers: { echo: toServerEntry('echo.ts') } }, env })
  const client = app.openShim()
  await client.initialize()
  await waitForTool(client, 'echo__echo')
  // What was known of the server is on disk then, too.
  await eventually(() => existsSync(path.join(app!.dataDir, 'cache/lists/echo.json'))).toBe(true)
  return app
}

function modeOf(place: string): string {
  return (statSync(place).mode & 0o777).toString(8)
}

describe('modes', () => {
  it.each(['022', '000'])('folders 0700, files 0600, socket 0600, with umask %s', async (umask) => {
    const before = process.umask(Number.parseInt(umask, 8))
    try {
      const { dataDir, socket } = await start()
      const places = readdirSync(dataDir, { recursive: true }).map((name) => path.join(dataDir, String(name)))
      expect(places.length).toBeGreaterThan(4)
      const wrong = [dataDir, path.dirname(socket), socket, ...places].filter(
        (place) => modeOf(place) !== (statSync(place).isDirectory() ? '700' : '600'),
      )
      expect(wrong).toEqual([])
    } finally {
      process.umask(before)
    }
  })

  it('the socket lies in $XDG_RUNTIME_DIR/patchbay where there is one, in a folder 0700', async () => {
    const runtime = mkdtempSync(path.join(tmpdir(), 'pb-run-'))
    try {
      const { socket } = await start({ XDG_RUNTIME_DIR: runtime })
      expect(path.dirname(socket)).toBe(path.join(runtime, 'patchbay'))
      expect([modeOf(path.dirname(socket)), modeOf(socket)]).toEqual(['700', '600'])
    } finally {
      await app?.dispose()
      app = undefined
      rmSync(runtime, { recursive: true })
    }
  })

  it('a data folder that others can enter is closed to them, or refused', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pb-open-'))
    try {
      const dataDir = path.join(folder, 'data')
      mkdirSync(dataDir)
      chmodSync(dataDir, 0o777)
      const env = { PATH: process.env['PATH'], HOME: folder }
      const served = runPatchbay(['serve', '--stdio', '--data-dir', dataDir], { env })
      await served
      expect(modeOf(dataDir)).toBe('700')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe.skipIf(!canBecomeAnother)('another user', () => {
  const read = `try { require('fs').readFileSync(process.argv[1]); console.log('read') } catch (e) { console.log(e.code) }`
  const connect = `require('net').connect(process.argv[1]).on('connect', () => { console.log('connected'); process.exit() }).on('error', (e) => console.log(e.code))`

  it('cannot read the token, the rendezvous, the log or what is known of servers', async () => {
    const { dataDir, folder } = await start()
    // What keeps the stranger out must be the data folder itself, not the scratch folder around it.
    chmodSync(folder, 0o755)
    for (const name of ['access-token', 'rendezvous.json', 'logs/app.log', 'cache/lists/echo.json']) {
      const file = path.join(dataDir, name)
      expect(existsSync(file)).toBe(true)
      expect(runAsStranger(read, file)).toBe('EACCES')
    }
  })

  it('cannot connect to the socket, which this user can', async () => {
    const { folder, socket } = await start()
    chmodSync(folder, 0o755)
    expect(runAsStranger(connect, socket)).toBe('EACCES')
    const mine = execFileSync(process.execPath, ['-e', connect, socket], { encoding: 'utf8' })
    expect(mine.trim()).toBe('connected')
  })

  it('cannot connect to a socket in $XDG_RUNTIME_DIR or under the temp folder either', async () => {
    const runtime = mkdtempSync(path.join(tmpdir(), 'pb-run-'))
    chmodSync(runtime, 0o755)
    try {
      expect(runAsStranger(connect, (await start({ XDG_RUNTIME_DIR: runtime })).socket)).toBe('EACCES')
      await app!.dispose()
      // Too long a path for the data folder: the socket goes under the temp folder.
      app = await startHeadless({
        config: { servers: {} },
        args: ['--no-http', '--data-dir', longDataDir(runtime)],
      })
      expect(app.socket.length).toBeLessThan(108)
      expect(runAsStranger(connect, app.socket)).toBe('EACCES')
    } finally {
      await app?.dispose()
      app = undefined
      rmSync(runtime, { recursive: true })
    }
  })

  it('who owns the folder for sockets under the temp folder keeps the app from starting, with a reason', async () => {
    const temp = mkdtempSync(path.join(tmpdir(), 'pb-tmp-'))
    chmodSync(temp, 0o777)
    try {
      runAsStranger(
        `require('fs').mkdirSync(process.argv[1], { mode: 0o777 })`,
        path.join(temp, 'patchbay-0'),
      )
      const env = { PATH: process.env['PATH'], HOME: temp, TMPDIR: temp }
      const args = ['serve', '--no-http', '--data-dir', longDataDir(temp)]
      const { code, stdout, stderr } = await runPatchbay(args, { env })
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/patchbay-0/)
    } finally {
      rmSync(temp, { recursive: true })
    }
  })
})

function longDataDir(folder: string): string {
  return path.join(folder, 'a-long-name'.repeat(10), 'data')
}
