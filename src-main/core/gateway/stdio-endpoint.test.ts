import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { toWholeConfig } from '../../testing/server-config.ts'
import { createUpstreamContext } from '../../testing/upstream-context.ts'
import { Router } from '../router/router.ts'
import { serveStdio } from './stdio-endpoint.ts'

it('serves one client on two streams until its input ends', async () => {
  const { logger } = createLogRecorder()
  const limits = { messageBytes: 1000, bodyBytes: 1000 }
  const router = new Router(toWholeConfig([]), createUpstreamContext('/nowhere', logger))
  const [input, output] = [new PassThrough(), new PassThrough()]
  const served = serveStdio({ input, output, limits, router, logger })
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'a', method: 'initialize', params })}\n`)
  const [line] = (await once(output, 'data')) as [Buffer]
  expect(JSON.parse(line.toString())).toMatchObject({ id: 'a', result: { serverInfo: { name: 'patchbay' } } })
  input.end()
  await served
  expect(output.writableEnded).toBe(true)
})
