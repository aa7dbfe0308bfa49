import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from './testing/fake-app.ts'
import { readResidentBytes, toRequest, untilStill, Scene } from './testing/scene.ts'

let scene: Scene

beforeEach(async () => {
  scene = await Scene.create()
})

afterEach(() => scene.close())

describe('3. while connected', { timeout: 60_000 }, () => {
  it('passes lines both ways, bytes untouched', async () => {
    const app = await scene.startApp()
    const shim = scene.startShim()
    await until(() => app.connections.length === 1)
    const odd = '{"id" : 1e400,"method":"x","params":{"n":0.10000000000000000001,"n":"\\ud800 é\u2028"}}'
    shim.send(odd, 'not json', '[{"id":1}]')
    await until(() => app.last.lines.length === 3)
    expect(app.last.lines).toEqual([odd, 'not json', '[{"id":1}]'])
    app.last.socket.write(odd.slice(0, 20))
    app.last.socket.write(`${odd.slice(20)}\r\n\n{"a":1}\n`)
    await until(() => shim.lines.length === 2)
    expect(shim.lines).toEqual([odd, '{"a":1}'])
  })

  it('keeps memory bounded when the editor does not read', async () => {
    const app = await scene.startApp()
    const shim = scene.startUnreadShim()
    await until(() => app.connections.length === 1)
    const { socket } = app.last
    const before = await readResidentBytes(shim)
    const line = Buffer.from(`{"jsonrpc":"2.0","method":"x","params":"${'y'.repeat(1024 * 1024)}"}\n`)
    for (let sent = 0; sent < 200; sent++) socket.write(line)
    await untilStill(() => socket.writableLength)
    expect(socket.writableLength).toBeGreaterThan(190 * 1024 * 1024)
    expect((await readResidentBytes(shim)) - before).toBeLessThan(150 * 1024 * 1024)
    shim.readOutput()
    await until(() => shim.lines.length === 200, 30_000)
    expect((await readResidentBytes(shim)) - before).toBeLessThan(150 * 1024 * 1024)
  }, 60_000)

  it('keeps memory bounded when the app does not read', async () => {
    const app = await scene.startApp()
    const shim = scene.startShim()
    await until(() => app.connections.length === 1)
    app.last.socket.pause()
    const before = await readResidentBytes(shim)
    const line = `{"jsonrpc":"2.0","method":"x","params":"${'y'.repeat(1024 * 1024)}"}`
    for (let sent = 0; sent < 200; sent++) shim.send(line)
    await untilStill(() => shim.child.stdin?.writableLength ?? 0)
    expect((await readResidentBytes(shim)) - before).toBeLessThan(150 * 1024 * 1024)
    app.last.socket.resume()
    await until(() => app.last.lines.length === 200, 30_000)
  }, 60_000)
})

describe('6. lines over 64 MiB', { timeout: 60_000 }, () => {
  it('are dropped and answered, both ways', async () => {
    const { shim, app } = await scene.connect()
    const block = Buffer.alloc(1024 * 1024, 'x')
    for (let sent = 0; sent < 65; sent++) shim.child.stdin?.write(block)
    shim.send('', toRequest('next'))
    expect(JSON.parse(await shim.find('-32600'))).toMatchObject({ id: null, error: { code: -32600 } })
    await until(() => app.last.lines.length === 3)
    expect(app.last.lines[2]).toBe(toRequest('next'))
    for (let sent = 0; sent < 65; sent++) app.last.socket.write(block)
    app.send('\n{"jsonrpc":"2.0","method":"x"}')
    await until(() => shim.lines.length === 4)
    expect(shim.lines[2]).toBe(shim.lines[1])
  }, 60_000)
})
