// SDK clients of both lines through the shim or over HTTP, with the three real servers and with our own.
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSdkOne, openSdkTwo, type Place, type SdkClient } from '../clients/sdk-clients.ts'
import { eventually, time } from '../clients/views.ts'
import { projectFolder, shimFile } from '../hosts/built.ts'
import { carrier, startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { startQuickstart } from '../hosts/quickstart.ts'

const lines: readonly { readonly name: string; readonly open: (place: Place) => Promise<SdkClient> }[] = [
  { name: '@modelcontextprotocol/sdk 1.x', open: openSdkOne },
  { name: '@modelcontextprotocol/client 2.x', open: (place) => openSdkTwo(place, 'legacy') },
  {
    name: '@modelcontextprotocol/client 2.x, versionNegotiation auto',
    open: (place) => openSdkTwo(place, 'auto'),
  },
]

let client: SdkClient | undefined

afterEach(async () => {
  await client?.close()
  client = undefined
})

function toPlace(app: Headless, server?: string): Place {
  if (carrier !== 'shim') return { kind: carrier, target: app.toHttpTarget(carrier, server) }
  const args = [shimFile, '--data-dir', app.dataDir, '--no-start']
  return { args: server === undefined ? args : [...args, '--server', server], env: app.env }
}

async function waitForTools(one: SdkClient, ...names: string[]): Promise<void> {
  await eventually(() => one.listToolNames()).toEqual(expect.arrayContaining(names))
}

describe.each(lines)('$name and the quick start:', ({ open }) => {
  let app: Headless

  beforeAll(async () => {
    app = await startQuickstart()
  })

  afterAll(() => app.dispose())

  it('lists, callTool, readResource, getPrompt, complete', async () => {
    client = await open(toPlace(app))
    expect(client.serverName).toBe('patchbay')
    await waitForTools(client, 'everything__echo', 'files__read_text_file', 'memory__read_graph')
    expect(await client.callTool('everything__echo', { message: 'hello' })).toContain('hello')
    expect(await client.callTool('memory__read_graph', {})).toContain('entities')
    const [uri] = await client.listResourceUris()
    expect(await client.readResource(uri!)).toEqual([expect.objectContaining({ uri })])
    expect(await client.listPromptNames()).toContain('everything__completable-prompt')
    const person = { department: 'Sales', name: 'Eve' }
    expect(JSON.stringify(await client.getPrompt('everything__completable-prompt', person))).toContain('Eve')
    const argument = { name: 'department', value: 'S' }
    expect(await client.complete('everything__completable-prompt', argument)).toEqual(['Sales', 'Support'])
  })

  it('sampling, elicitation and roots handlers answer a real server', async () => {
    client = await open(toPlace(app))
    await waitForTools(
      client,
      'everything__trigger-sampling-request',
      'everything__trigger-elicitation-request',
    )
    const sample = await client.callTool('everything__trigger-sampling-request', {
      prompt: 'hello',
      maxTokens: 9,
    })
    expect(sample).toContain('a sample')
    expect(await client.callTool('everything__trigger-elicitation-request', {})).toContain('Ada')
    await waitForTools(client, 'everything__get-roots-list')
    await eventually(() => client!.callTool('everything__get-roots-list', {})).toContain('file:///a/root')
  })

  it('one server alone', async () => {
    client = await open(toPlace(app, 'files'))
    expect(client.serverName).toBe('secure-filesystem-server')
    await waitForTools(client, 'read_text_file')
  })
})

describe.each(lines)('$name and servers of ours:', ({ open }) => {
  let app: Headless

  beforeAll(async () => {
    const servers = {
      echo: toServerEntry('echo.ts', {}, { isolation: 'shared' }),
      asker: toServerEntry('asker.ts'),
    }
    app = await startHeadless({ config: { servers } })
  })

  afterAll(() => app.dispose())

  it('progress callback', async () => {
    client = await open(toPlace(app))
    await waitForTools(client, 'echo__sleep')
    const told: unknown[] = []
    const args = { ms: 400, value: 'x', steps: 3 }
    // The server is silent between its last progress and its answer: when both come in one piece, SDK clients lose it.
    await client.callTool('echo__sleep', args, {
      onprogress: ({ progress, message }) => told.push([progress, message]),
    })
    expect(told).toEqual([1, 2, 3].map((progress) => [progress, 'x']))
  })

  it('cancellation by AbortSignal reaches the server', async () => {
    client = await open(toPlace(app))
    await waitForTools(client, 'echo__sleep')
    const before = JSON.parse(await client.callTool('echo__cancelled-report', {})) as unknown[]
    const controller = new AbortController()
    const call = client.callTool('echo__sleep', { ms: 30_000, value: 'x' }, { signal: controller.signal })
    await client.callTool('echo__count', {})
    controller.abort('no longer wanted')
    await expect(call).rejects.toThrow()
    const read = async (): Promise<unknown[]> =>
      (JSON.parse(await client!.callTool('echo__cancelled-report', {})) as unknown[]).slice(before.length)
    await eventually(read).toEqual([expect.objectContaining({ known: true })])
  })

  it('sampling, elicitation and roots handlers are answered through', async () => {
    client = await open(toPlace(app))
    await waitForTools(client, 'asker__ask-sampling')
    expect(await client.callTool('asker__ask-sampling', { tag: 'x' })).toContain('a sample')
    expect(await client.callTool('asker__ask-elicitation', { tag: 'x' })).toContain('Ada')
    expect(await client.callTool('asker__ask-roots', { tag: 'x' })).toContain('file:///a/root')
  })

  it('list_changed', async () => {
    client = await open(toPlace(app))
    await waitForTools(client, 'echo__echo')
    let changes = 0
    client.onToolsChanged(() => changes++)
    await client.callTool('echo__add-tool', { name: path.basename(projectFolder) })
    await eventually(() => changes).toBeGreaterThan(0)
  })

  // Over HTTP these clients open no new session by themselves; the shim does it for them.
  it.skipIf(carrier !== 'shim')('a restart of the app, through the shim', async () => {
    client = await open(toPlace(app))
    await waitForTools(client, 'echo__echo')
    const inFlight = client.callTool('echo__sleep', { ms: 30_000, value: 'x' })
    await client.callTool('echo__count', {})
    const { took } = await time(async () => {
      const restarted = app.restart()
      await expect(inFlight).rejects.toThrow()
      await restarted
    })
    expect(took).toBeLessThan(10_000)
    expect(await client.callTool('echo__echo', { text: 'again' })).toBe('again')
  })
})
