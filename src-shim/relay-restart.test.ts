import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from './testing/fake-app.ts'
import {
  answerAll,
  answerInitialize,
  handshakeResult,
  initialize,
  initialized,
  toRequest,
  Scene,
} from './testing/scene.ts'

let scene: Scene

beforeEach(async () => {
  scene = await Scene.create()
})

afterEach(() => scene.close())

describe('4. when the app restarts', { timeout: 60_000 }, () => {
  it('fails the calls in flight, replays the same bytes, and tells of changes', async () => {
    const { shim, app } = await scene.connect()
    const level = '{"jsonrpc":"2.0","method":"logging/setLevel","params":{"level":"info"},"id":"l-\\u0031"}'
    shim.send(
      level,
      toRequest(7, 'resources/subscribe', { uri: 'a:1' }),
      toRequest('8', 'resources/subscribe', { uri: 'a:2' }),
    )
    shim.send(toRequest(9, 'resources/unsubscribe', { uri: 'a:1' }))
    await until(() => app.last.lines.length === 6)
    for (const id of ['"l-1"', '7', '"8"', '9']) app.send(`{"jsonrpc":"2.0","id":${id},"result":{}}`)
    shim.send('{"id": "call \\u0031" ,"jsonrpc":"2.0","method":"tools/call"}')
    await until(() => app.last.lines.length === 7 && shim.lines.length === 5)
    await app.quit()
    const failure = JSON.parse(await shim.find('app-restarted')) as unknown
    expect(failure).toEqual({
      jsonrpc: '2.0',
      id: 'call 1',
      error: {
        code: -32000,
        message:
          'The connection to Patchbay was lost before it answered. The call may or may not have taken effect; try again.',
        data: { code: 'app-restarted' },
      },
    })
    expect(await shim.find('app-restarted')).toContain('"id":"call \\u0031",')

    const second = await scene.startApp({ answer: answerAll })
    await until(() => second.connections.length === 1 && second.last.lines.length === 4)
    expect(second.last.lines).toEqual([
      initialize.replace('"id":0', '"id":"patchbay-shim-1"'),
      initialized,
      level.replace('"l-\\u0031"', '"patchbay-shim-2"'),
      toRequest('patchbay-shim-3', 'resources/subscribe', { uri: 'a:2' }),
    ])
    await shim.find('prompts/list_changed')
    shim.send(toRequest('after'))
    expect(JSON.parse(await shim.find('"after"'))).toMatchObject({ id: 'after', result: {} })
    expect(shim.lines.slice(6)).toEqual([
      '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
      '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}',
      expect.stringContaining('"after"'),
    ])
    expect(shim.lines.some((line) => line.includes('patchbay-shim'))).toBe(false)
    expect(shim.stderr).toBe('')
  })

  it('holds lines until the handshake is answered, then sends them in order', async () => {
    const { shim, app } = await scene.connect()
    await scene.lose(shim, app)
    shim.send(toRequest('held-1'), toRequest('held-2'))
    const second = await scene.startApp()
    await until(() => second.connections.length === 1 && second.last.lines.length === 1)
    shim.send(toRequest('held-3'))
    second.send(`{"jsonrpc":"2.0","id":"patchbay-shim-1","result":{}}`)
    await until(() => second.last.lines.length === 5)
    expect(second.last.lines.slice(1)).toEqual([
      initialized,
      ...['held-1', 'held-2', 'held-3'].map((id) => toRequest(id)),
    ])
    expect(shim.lines).toHaveLength(2)
  })

  it('cancels the questions of the lost app and drops their late answers', async () => {
    const { shim, app } = await scene.connect()
    app.send('{"jsonrpc":"2.0","id":"ask-1","method":"sampling/createMessage"}')
    app.send('{"jsonrpc":"2.0","id":"ask-2","method":"roots/list"}')
    await until(() => shim.lines.length === 3)
    shim.send('{"jsonrpc":"2.0","id":"ask-2","result":{}}')
    await until(() => app.last.lines.length === 3)
    await app.quit()
    const cancelled = JSON.parse(await shim.find('notifications/cancelled')) as unknown
    expect(cancelled).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 'ask-1' } })
    expect(shim.lines.filter((line) => line.includes('cancelled'))).toHaveLength(1)
    shim.send('{"jsonrpc":"2.0","id":"ask-1","result":{"held":true}}')
    const second = await scene.startApp({ answer: answerInitialize })
    await shim.find('tools/list_changed')
    second.send('{"jsonrpc":"2.0","id":"ask-3","method":"roots/list"}')
    await shim.find('ask-3')
    shim.send('{"jsonrpc":"2.0","id":"ask-1","result":{}}', '{"jsonrpc":"2.0","id":"ask-3","result":{}}')
    await until(() => second.last.lines.length === 3)
    expect(second.last.lines[2]).toContain('ask-3')
  })

  it('sends an unanswered initialize again as it was', async () => {
    const app = await scene.startApp()
    const shim = scene.startShim()
    shim.send(initialize)
    await until(() => app.connections.length === 1 && app.last.lines.length === 1)
    await app.quit()
    const second = await scene.startApp({ answer: answerInitialize })
    await until(() => shim.lines.length === 1)
    expect(second.last.lines).toEqual([initialize])
    expect(JSON.parse(shim.lines[0]!)).toMatchObject({ id: 0, result: handshakeResult })
  })

  it('answers a held request after --wait', async () => {
    const { shim, app } = await scene.connect('--wait', '1')
    await scene.lose(shim, app)
    const held = '{"jsonrpc":"2.0","method":"notifications/x"}'
    const start = Date.now()
    shim.send(toRequest(5), held)
    const failure = JSON.parse(await shim.find('app-not-running')) as unknown
    expect(Date.now() - start).toBeGreaterThanOrEqual(950)
    expect(failure).toMatchObject({ id: 5, error: { code: -32000, data: { code: 'app-not-running' } } })
    const second = await scene.startApp({ answer: answerInitialize })
    await until(() => second.connections.length === 1 && second.last.lines.length === 3)
    expect(second.last.lines.slice(1)).toEqual([initialized, held])
  })

  it('goes on when the replayed handshake is refused', async () => {
    const { shim, app } = await scene.connect()
    await app.quit()
    const second = await scene.startApp({
      answer: (line) =>
        line.includes('"initialize"')
          ? '{"jsonrpc":"2.0","id":"patchbay-shim-1","error":{"code":1,"message":"No more."}}'
          : undefined,
    })
    await until(() => shim.stderr !== '')
    expect(shim.stderr).toMatch(/^Patchbay did not take up the conversation again: .*No more.*\n$/)
    shim.send(toRequest('next'))
    await until(() => second.last.lines.length === 3)
    expect(second.last.lines[2]).toContain('next')
    expect(shim.lines).toHaveLength(1)
  })

  it('survives many restarts, also one amid the replay', async () => {
    const { shim, app } = await scene.connect()
    await app.quit()
    const second = await scene.startApp()
    await until(() => second.connections.length === 1 && second.last.lines.length === 1)
    await second.quit()
    for (let round = 0; round < 3; round++) {
      const next = await scene.startApp({ answer: answerAll })
      await until(() => next.connections.length === 1)
      shim.send(toRequest(`round-${round}`))
      await shim.find(`round-${round}`)
      expect(next.last.lines.slice(1)).toEqual([initialized, toRequest(`round-${round}`)])
      await next.quit()
    }
    expect(shim.lines.some((line) => line.includes('error'))).toBe(false)
    expect((await shim.end()).code).toBe(0)
  })

  it('does not start the app again', async () => {
    const mark = path.join(scene.folder, 'started')
    const { shim, app } = await scene.connect()
    const args = ['-e', `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`]
    await writeFile(
      path.join(scene.folder, 'launch.json'),
      JSON.stringify({ version: 1, command: process.execPath, args }),
    )
    await app.quit()
    const second = await scene.startApp({ answer: answerInitialize })
    await shim.find('list_changed')
    await second.quit()
    await expect(readFile(mark)).rejects.toThrow('ENOENT')
  })
})
