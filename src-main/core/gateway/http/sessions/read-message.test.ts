import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { send } from '../../../../testing/gateway-client.ts'
import { createLogRecorder } from '../../../../testing/log-recorder.ts'
import { BodyBudget } from '../bodies/body-budget.ts'
import { readMessage, type Visit } from './read-message.ts'

/** A server that gives every message to `take`. */
async function openReader(take: (visit: Visit) => void) {
  const { logger, entries } = createLogRecorder()
  const limits = { messageBytes: 1000, bodyBytes: 1000 }
  const parts = { limits, bodies: new BodyBudget(), bodyMs: 60_000, logger }
  const server = createServer((request: IncomingMessage, response) => {
    const reply = { response, headers: [] }
    const known = { isWithToken: true, isAsking: false, isStillWelcome: () => true }
    const visit = { request, reply, head: {}, ...known }
    readMessage(visit, parts, () => {
      take(visit)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = () => send(url, { method: 'POST', body: '{"jsonrpc":"2.0","id":"a","method":"x"}' })
  return { post, entries }
}

describe('readMessage', () => {
  it('has what goes wrong with a message cost its request alone, and tells the log', async () => {
    const { post, entries } = await openReader(() => {
      throw new TypeError('a slip')
    })
    const response = await post()
    expect(response.status).toBe(500)
    expect(await response.message()).toMatchObject({
      id: 'a',
      error: { code: -32603, data: { code: 'internal' } },
    })
    expect(entries).toMatchObject([{ level: 'error', fields: { error: 'TypeError: a slip' } }])
    expect((await post()).status).toBe(500)
  })

  it('cuts the connection where an answer was begun', async () => {
    const { post } = await openReader(({ reply }) => {
      reply.response.writeHead(200)
      reply.response.flushHeaders()
      throw new TypeError('a slip')
    })
    const response = await post()
    expect([response.status, await response.ended]).toEqual([200, ''])
  })
})
