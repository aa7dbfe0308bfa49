// Three real servers at once, by the quick start of the README.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import { connectProcess, type RawClient } from '../clients/raw-client.ts'
import { eventually, readNames, waitForTool } from '../clients/views.ts'
import { projectFolder, Scratch, shimFile } from '../hosts/built.ts'
import { carrier, type Headless } from '../hosts/headless.ts'
import { startQuickstart } from '../hosts/quickstart.ts'
import type { JsonObject } from '../servers/json-values.ts'

async function waitForAll(client: RawClient): Promise<void> {
  for (const name of ['everything__echo', 'files__read_text_file', 'memory__read_graph'])
    await waitForTool(client, name)
}

describe('serve --config examples/quickstart.yaml: a client', () => {
  let app: Headless
  let client: RawClient

  beforeAll(async () => {
    app = await startQuickstart()
    client = app.openShim({ client: 'quickstart' })
    await client.initialize()
    await waitForAll(client)
  })

  afterAll(() => app.dispose())

  it('lists tools of three servers', async () => {
    const servers = (await readNames(client, 'tools')).map((name) => name.split('__')[0])
    expect([...new Set(servers)]).toEqual(['everything', 'files', 'memory'])
    expect(servers.length).toBeGreaterThan(25)
  })

  it('calls tools of three servers', async () => {
    expect(await client.callText('everything__get-sum', { a: 2, b: 3 })).toContain('5')
    const file = path.join(projectFolder, 'examples/quickstart.yaml')
    expect(await client.callText('files__read_text_file', { path: file })).toBe(readFileSync(file, 'utf8'))
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['wrote a program'] }]
    await client.callText('memory__create_entities', { entities })
    expect(await client.callText('memory__search_nodes', { query: 'Ada' })).toContain('wrote a program')
    // In the scratch HOME, not in the user's.
    expect(existsSync(path.join(app.folder, '.patchbay-quickstart-memory.json'))).toBe(true)
  })

  it("a tool's own failure arrives as its result", async () => {
    const result = await client.result('tools/call', {
      name: 'files__read_text_file',
      arguments: { path: '/etc/hostname' },
    })
    expect(result['isError']).toBe(true)
    expect(JSON.stringify(result)).toContain('Access denied')
  })

  it('reads a resource', async () => {
    const uris = await readNames(client, 'resources')
    expect(uris.length).toBeGreaterThan(3)
    const { contents } = await client.result('resources/read', { uri: uris[0] })
    expect((contents as JsonObject[])[0]).toMatchObject({ uri: uris[0] })
    const dynamic = 'demo://resource/dynamic/text/7'
    const read = await client.result('resources/read', { uri: dynamic })
    expect((read['contents'] as JsonObject[])[0]).toMatchObject({ uri: dynamic, mimeType: 'text/plain' })
  })

  it('gets a prompt', async () => {
    expect(await readNames(client, 'prompts')).toContain('everything__completable-prompt')
    const params = { name: 'everything__completable-prompt', arguments: { department: 'Sales', name: 'Eve' } }
    const { messages } = await client.result('prompts/get', params)
    expect(JSON.stringify(messages)).toContain('promote Eve to the head of the Sales team')
  })

  it('completes an argument, with and without context', async () => {
    const ref = { type: 'ref/prompt', name: 'everything__completable-prompt' }
    const complete = async (argument: JsonObject, context?: JsonObject): Promise<unknown> => {
      const { completion } = await client.result('completion/complete', { ref, argument, context })
      return (completion as JsonObject)['values']
    }
    expect(await complete({ name: 'department', value: 'S' })).toEqual(['Sales', 'Support'])
    const context = { arguments: { department: 'Sales' } }
    expect(await complete({ name: 'name', value: '' }, context)).toEqual(['David', 'Eve', 'Frank'])
    const template = { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' }
    const params = { ref: template, argument: { name: 'resourceId', value: '7' } }
    expect(await client.result('completion/complete', params)).toMatchObject({
      completion: { values: ['7'] },
    })
  })

  it('hears progress', async () => {
    const result = await client.request('tools/call', {
      name: 'everything__trigger-long-running-operation',
      arguments: { duration: 0.3, steps: 3 },
      _meta: { progressToken: 'mine' },
    })
    expect(result.text).toContain('completed')
    const told = client.notifications('notifications/progress').map((one) => one.get('params'))
    expect(told).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3, progressToken: 'mine' })))
  })

  it('is told what the servers say of themselves', async () => {
    const other = app.openShim()
    const answer = await other.initialize()
    expect(answer.get('result', 'instructions')).toContain('everything')
  })
})

// Its client comes by the shim, whatever the others come by.
describe.skipIf(carrier !== 'shim')('npm start', () => {
  it('does the same with the quick-start configuration when there is none yet', async () => {
    using scratch = new Scratch()
    const env = { ...scratch.env, PATCHBAY_HOME: scratch.dataDir }
    const script = path.join(projectFolder, 'scripts/start.mjs')
    const child = spawn(process.execPath, [script], {
      env,
      cwd: projectFolder,
      stdio: 'pipe',
      detached: true,
    })
    const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    try {
      await eventually(() => stdout, { timeout: 30_000 }).toContain('"ready":true')
      expect(stderr).toMatch(/headless|without/)
      const client = connectProcess({ command: process.execPath, args: [shimFile, '--no-start'], env })
      await client.initialize()
      await waitForAll(client)
      expect(await client.callText('everything__get-sum', { a: 2, b: 3 })).toContain('5')
      await client.close()
      child.kill('SIGTERM')
      expect(await withDeadline(exited, 10_000, () => stderr)).toBe(0)
    } finally {
      if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL')
    }
  })
})
