import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until, writeRendezvous } from './testing/fake-app.ts'
import { answerInitialize, initialize, initialized, toRequest, untilStill, Scene } from './testing/scene.ts'

let scene: Scene

beforeEach(async () => {
  scene = await Scene.create()
})

afterEach(() => scene.close())

describe('5. the end', { timeout: 60_000 }, () => {
  it('writes what was read, closes the socket and exits 0 when stdin ends', async () => {
    const app = await scene.startApp()
    const shim = scene.startShim()
    shim.child.stdin?.write(`${initialized}\n{"jsonrpc":"2.0","method":"without/newline"}`)
    const { code } = await shim.end()
    expect(code).toBe(0)
    await until(() => app.last.hasEnded)
    expect(app.last.lines).toEqual([initialized, '{"jsonrpc":"2.0","method":"without/newline"}'])
  })

  it('lets answers arrive that come at once', async () => {
    await scene.startApp({ answer: answerInitialize })
    const shim = scene.startShim()
    shim.send(initialize)
    expect(await shim.end()).toMatchObject({ code: 0 })
    expect(shim.lines).toHaveLength(1)
  })

  it.each(['connected', 'with a call in flight', 'never connected', 'connected no more', 'with held lines'])(
    'exits 0 within 1 s: %s',
    async (state) => {
      const { shim, app } =
        state.includes('never') || state.includes('held')
          ? { shim: scene.startShim() }
          : await scene.connect()
      if (state.includes('flight')) {
        shim.send(toRequest(1))
        await until(() => app?.last.lines.length === 3)
      }
      if (state.includes('no more')) await app?.quit()
      if (state.includes('held')) shim.send(toRequest(1))
      const { code, milliseconds } = await shim.end()
      expect(code).toBe(0)
      expect(milliseconds).toBeLessThan(1000)
    },
  )

  it('says nothing on the way, however often it tries', async () => {
    await writeRendezvous(scene.folder, { socket: path.join(scene.folder, 'none.sock'), token: '' })
    const shim = scene.startShim('--no-start', '--wait', '8')
    expect(await shim.exited).toBe(1)
    expect(shim.stderr.trim().split('\n')).toHaveLength(1)
  })

  it('exits 0 when nobody reads stdout any more', async () => {
    const { shim, app } = await scene.connect()
    shim.child.stdout?.destroy()
    app.send('{"jsonrpc":"2.0","method":"x"}')
    expect(await shim.exited).toBe(0)
    expect(shim.stderr).toBe('')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('exits 0 on %s, connected or not', async (signal) => {
    const { shim, app } = await scene.connect()
    shim.child.kill(signal)
    expect(await shim.exited).toBe(0)
    await app.quit()
    const lonely = await scene.startLonelyShim()
    lonely.child.kill(signal)
    expect(await lonely.exited).toBe(0)
  })

  it('exits 0 on SIGTERM while the editor reads nothing', async () => {
    const app = await scene.startApp()
    const shim = scene.startUnreadShim()
    await until(() => app.connections.length === 1)
    app.send(`"${'y'.repeat(4 * 1024 * 1024)}"`)
    await untilStill(() => app.last.socket.writableLength)
    shim.child.kill('SIGTERM')
    shim.child.stdout?.resume()
    expect(await shim.exited).toBe(0)
  })
})
