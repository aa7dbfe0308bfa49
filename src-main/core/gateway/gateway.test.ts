import { mkdir, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rendezvousFile } from '#contract/rendezvous.ts'
import { createFakeHost } from '../../testing/fake-host.ts'
import { toGatewaySettings } from '../../testing/gateway-bench.ts'
import { HttpTestClient } from '../../testing/gateway-client.ts'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { openBench } from '../../testing/router-bench.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { readAccessToken, renewAccessToken } from './access-token.ts'
import { openGateway } from './gateway.ts'

async function open() {
  const dataFolder = await makeScratchFolder()
  const { router } = await openBench({ servers: {} })
  const { logger, entries } = createLogRecorder()
  const settings = toGatewaySettings()
  const gateway = await openGateway({
    host: createFakeHost(dataFolder),
    isHttp: true,
    settings,
    limits: { messageBytes: 1_000_000, bodyBytes: 1_000_000 },
    router,
    logger,
  })
  onTestFinished(() => gateway.close())
  return { dataFolder, gateway, settings, entries, file: path.join(dataFolder, rendezvousFile) }
}

async function takePort() {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const release = () => new Promise((resolve) => server.close(resolve))
  onTestFinished(() => void release())
  return { port: (server.address() as AddressInfo).port, release }
}

describe('the gateway', { timeout: 30_000 }, () => {
  it('ends who came with the old token though the rendezvous cannot be written, and writes it later', async () => {
    const { dataFolder, gateway, entries, file } = await open()
    const client = new HttpTestClient(gateway.url ?? '', '/mcp', await readAccessToken(dataFolder))
    await client.open()
    const stream = await client.listen()
    await rm(file)
    await mkdir(path.join(file, 'in-the-way'), { recursive: true })
    const token = await renewAccessToken(dataFolder)
    await stream.ended
    expect(entries.filter(({ level }) => level === 'error')).toMatchObject([
      { message: expect.stringContaining('rendezvous cannot be written') as string },
    ])
    expect(JSON.stringify(entries)).not.toContain(token)
    await rm(file, { recursive: true })
    await vi.waitFor(async () => {
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ token })
    }, patience)
  })

  it('tells the log which address it goes on at, and the rendezvous where it goes', async () => {
    const { gateway, settings, entries, file } = await open()
    const { url } = gateway
    const { port, release } = await takePort()
    await gateway.apply({ ...settings, port })
    expect(entries.at(-1)).toMatchObject({
      level: 'error',
      message: 'HTTP goes on at the address that it had: the configured one cannot be had.',
      fields: { url },
    })
    expect(gateway.url).toBe(url)
    await release()
    await gateway.apply({ ...settings, port })
    expect(gateway.url).toBe(`http://127.0.0.1:${port}`)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ url: gateway.url })
  })
})
