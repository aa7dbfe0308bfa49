import { describe, expect, it } from 'vitest'
import { openHttpPair } from '../../../testing/http-connection.ts'
import { waitUntil } from '../../../testing/router-bench.ts'
import type { BenchRequest } from '../../../testing/upstream-http-bench.ts'

describe('a message without an answer', () => {
  const note = [Buffer.from('{"jsonrpc":"2.0",'), Buffer.from('"method":"notifications/x"}')]

  it('that the server does not take is passed over; what is wrong with the server is told', async () => {
    const { bench, connection, told, entries } = await openHttpPair({ byHand: ['notifications/x'] })
    for (const status of [400, 500]) {
      connection.send(note)
      ;(await bench.nextPost('notifications/x')).answer(status)
    }
    await waitUntil(
      'both are noted',
      () => entries.filter(({ message }) => /did not take/.test(message)).length === 2,
    )
    expect(told).toEqual(['doubtful'])
  })

  it('may bring messages all the same', async () => {
    const { bench, connection, told } = await openHttpPair({ byHand: ['notifications/x'] })
    connection.send(note)
    ;(await bench.nextPost('notifications/x')).json([
      { jsonrpc: '2.0', method: 'notifications/a' },
      { jsonrpc: '2.0', method: 'notifications/b' },
    ])
    await waitUntil('both are told', () => told.length === 2)
    expect(told).toEqual(['notification notifications/a', 'notification notifications/b'])
  })

  it('shows that the server has forgotten the session', async () => {
    const { bench, connection, told } = await openHttpPair({ byHand: ['notifications/x'] })
    connection.send(note)
    ;(await bench.nextPost('notifications/x')).answer(404)
    await waitUntil('it is told', () => told.length > 0)
    expect(told).toEqual(['expired'])
    await connection.stop()
    expect(bench.requests.map(({ method }) => method)).not.toContain('DELETE')
  })

  it.each<[string, (one: BenchRequest) => void]>([
    ['an event stream', (one) => one.stream()],
    ['a body that does not end', (one) => one.begin(202).write('x')],
    ['a refusal that does not end', (one) => one.begin(400).write('x')],
  ])(
    'that is answered with %s is not listened to for long',
    async (...[, answer]) => {
      const { bench, connection, told } = await openHttpPair({ byHand: ['notifications/x'] })
      connection.send(note)
      const request = await bench.nextPost('notifications/x')
      answer(request)
      await request.closed
      expect(told).toEqual([])
    },
    20_000,
  )
})
