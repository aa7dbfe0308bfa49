import { describe, expect, it } from 'vitest'
import { toOpening } from '../../../testing/fake-carrier.ts'
import { connectOverHttp } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'
import type { BenchRequest } from '../../../testing/upstream-http-bench.ts'

const byHand = ['GET', 'initialize', 'notifications/initialized']

describe('a server of which nothing is known', () => {
  it.each([400, 404, 405])(
    'that refuses to be posted to (%i) is asked for a stream of the older kind',
    async (status) => {
      const { bench, connection, ask, told } = await connectOverHttp({ byHand })
      ;(await bench.nextPost('initialize')).answer(status)
      const stream = (await bench.next('GET')).stream()
      stream.write('event: endpoint\ndata: /m\n\n')
      const request = await bench.nextPost('initialize')
      expect(request.path).toBe('/m')
      request.answer(202)
      stream.event({ id: request.message.id, result: toOpening() })
      await connection.opened
      ;(await bench.nextPost('notifications/initialized')).answer(202)
      await new Promise(setImmediate)
      const asked = ask('x')
      const next = await bench.nextPost('x')
      expect(next.headers).toHaveProperty('mcp-protocol-version')
      next.answer(202)
      connection.holdReading()
      connection.releaseReading()
      stream.event({ id: next.message.id, result: {} })
      expect(await asked).toBe('{}')
      expect([connection.isCongested, await connection.isSuspended()]).toEqual([false, false])
      stream.end()
      await waitUntil('it is told', () => told.length > 0)
      expect(told).toEqual(['closed: it ended its event stream'])
    },
  )

  it.each<[string, (get: BenchRequest) => unknown]>([
    ['none', (get) => get.answer(405)],
    ['a page', (get) => get.answer(200, { 'content-type': 'text/html' }, '<p>')],
    ['a cut', (get) => get.cut()],
  ])('that has no such stream either is told by its first refusal: %s', async (...[, answer]) => {
    const { bench, connection, told } = await connectOverHttp({ byHand })
    ;(await bench.nextPost('initialize')).answer(
      404,
      { 'content-type': 'application/json' },
      '{"error":"wrong path"}',
    )
    answer(await bench.next('GET'))
    const reason = 'there is nothing at its address (HTTP 404: “wrong path”)'
    await expect(connection.opened).rejects.toThrow(reason)
    expect(connection.end).toEqual({ kind: 'refused', reason })
    expect(told).toEqual([`closed: ${reason}`])
  })

  it('that gives a stream, but tells no address on it, is told by its first refusal', async () => {
    const { bench, connection } = await connectOverHttp({ byHand })
    ;(await bench.nextPost('initialize')).answer(
      400,
      { 'retry-after': '9' },
      '{"error":"tenant header missing"}',
    )
    const stream = (await bench.next('GET')).stream()
    const reason =
      'it refuses the request (HTTP 400: “tenant header missing”); it asks to be left alone for 9 s'
    await expect(connection.opened).rejects.toThrow(reason)
    expect(connection.end).toEqual({ kind: 'refused', reason, retryAfterMs: 9000 })
    await stream.closed
  }, 20_000)

  it.each([401, 403, 500])('that refuses in another way (%i) is not asked for one', async (status) => {
    const { bench, connection } = await connectOverHttp({ byHand })
    ;(await bench.nextPost('initialize')).answer(status)
    await expect(connection.opened).rejects.toThrow(`HTTP ${status}`)
    expect(bench.requests).toHaveLength(1)
  })
})
