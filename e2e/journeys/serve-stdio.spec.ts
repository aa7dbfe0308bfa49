// `patchbay serve --stdio`: itself the MCP server on stdin and stdout, or a relay to the running app.
import { afterEach, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import { readNames, time, waitForTool } from '../clients/views.ts'
import { Scratch, talkToPatchbay } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { findDescendants, isRunning } from '../hosts/processes.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const servers = { echo: toServerEntry('echo.ts'), asker: toServerEntry('asker.ts') }

function open(scratch: Scratch, config = scratch.writeServers(servers)): ReturnType<typeof talkToPatchbay> {
  return talkToPatchbay(['serve', '--stdio', '--config', config, '--data-dir', scratch.dataDir], scratch)
}

describe('alone', () => {
  it('this process is itself the MCP server; stdout carries protocol only', async () => {
    using scratch = new Scratch()
    const client = open(scratch)
    client.onQuestion('sampling/createMessage', () => ({ answeredBy: 'me' }))
    await client.initialize({ sampling: {} })
    await waitForTool(client, 'echo__echo')
    expect(await client.callText('echo__echo', { text: 'hello' })).toBe('hello')
    expect(await client.callText('asker__ask-sampling', { tag: 'x' })).toContain('"answeredBy":"me"')
    await client.callText('echo__stderr', { text: 'noise' })
    expect(client.received.filter((one) => one.get('jsonrpc') !== '2.0')).toEqual([])
    expect(await client.close()).toBe(0)
  })

  it("ends with stdin's end: exit 0, no child left", async () => {
    using scratch = new Scratch()
    const client = open(scratch)
    await client.initialize()
    client.request('tools/call', { name: 'echo__sleep', arguments: { ms: 60_000 } }).catch(String)
    await client.callText('echo__count')
    const pids = findDescendants(client.pid!)
    expect(pids).toHaveLength(2)
    const { value, took } = await time(() => client.close())
    expect(value).toBe(0)
    expect(took).toBeLessThan(10_000)
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('ends with SIGTERM: exit 0, no child left', async () => {
    using scratch = new Scratch()
    const client = open(scratch)
    await client.initialize()
    await client.callText('echo__count')
    const pids = findDescendants(client.pid!)
    process.kill(client.pid!, 'SIGTERM')
    expect(await withDeadline(client.wire.closed, 10_000, () => client.describe())).toBe(0)
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('two of them do not disturb each other, nor an app that starts later', async () => {
    using scratch = new Scratch()
    const clients = [open(scratch), open(scratch)]
    const pids = await Promise.all(
      clients.map(async (client) => {
        await client.initialize()
        return client.callText('echo__pid')
      }),
    )
    expect(new Set(pids).size).toBe(2)
    for (const client of clients) expect(await client.close()).toBe(0)
  })

  it('says on stderr what is wrong with the configuration, exit 1', async () => {
    using scratch = new Scratch()
    const client = open(scratch, scratch.write('patchbay.yaml', 'version: 1\nserver: {}\n'))
    expect(await withDeadline(client.wire.closed, 5000, () => client.describe())).toBe(1)
    expect(client.stderr).toMatch(/patchbay\.yaml:2/)
    expect(client.received).toEqual([])
  })
})

describe('beside a running app', () => {
  it('it relays to it as connect does: the same servers, no second copies', async () => {
    app = await startHeadless({ config: { servers } })
    const shim = app.openShim()
    await shim.initialize()
    const pid = await shim.callText('echo__pid')
    const args = ['serve', '--stdio', '--config', app.configFile, '--data-dir', app.dataDir]
    const client = talkToPatchbay(args, app)
    await client.initialize()
    await waitForTool(client, 'echo__echo')
    expect(await readNames(client, 'tools')).toEqual(await readNames(shim, 'tools'))
    expect(await client.callText('echo__pid')).toBe(pid)
    expect(findDescendants(client.pid!)).toEqual([])
    // It survives a restart of the app, too.
    const after = client.mark()
    await app.restart()
    await client.waitForNotification('notifications/tools/list_changed', { after })
    expect(await client.callText('echo__echo', { text: 'again' })).toBe('again')
    const { value, took } = await time(() => client.close())
    expect(value).toBe(0)
    expect(took).toBeLessThan(1000)
  })
})
