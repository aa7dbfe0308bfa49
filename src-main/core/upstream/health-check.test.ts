import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFakeConnection, toOpening, type FakeAnswers } from '../../testing/fake-carrier.ts'
import type { HealthSettings } from '../config/config.ts'
import { HealthCheck } from './health-check.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const usual: HealthSettings = {
  enabled: true,
  intervalSeconds: 30,
  timeoutSeconds: 5,
  attempts: 3,
  retryIntervalSeconds: 10,
  threshold: 1,
}

const silent = 'silent: it did not answer a ping within 5 s'
const dead = 'dead: it did not answer a ping within 5 s'

async function create(changes: Partial<HealthSettings> = {}, answers: FakeAnswers = {}) {
  const fake = createFakeConnection(answers)
  await fake.connection.opened
  const told: string[] = []
  const check = new HealthCheck(
    fake.connection,
    { ...usual, ...changes },
    {
      onSilent: (reason) => told.push(`silent: ${reason}`),
      onAlive: () => told.push('alive'),
      onDead: (reason) => told.push(`dead: ${reason}`),
    },
  )
  const pings = (): number => fake.carrier.sentOf('ping').length
  const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1000 + 5)
  return { ...fake, check, told, pings, pass }
}

/** A client's call that the server works on. */
function call(connection: Awaited<ReturnType<typeof create>>['connection']): number {
  return connection.requests.add({
    method: 'tools/call',
    session: 1,
    timeoutMs: 600_000,
    resetOnProgress: false,
    onAnswer: () => undefined,
    onTimeout: () => 'give-up',
    onLost: () => undefined,
  })
}

describe('a health check', () => {
  it('tells why a ping came to nothing at once', async () => {
    const { carrier, told, pass } = await create({ attempts: 1 })
    await pass(30)
    const reason = 'nothing listens at its address (ECONNREFUSED)'
    const id = carrier.sentOf('ping')[0]?.id ?? 0
    carrier.listener.onRequestFailed(id, { kind: 'refused', reason, isOfServer: false })
    await pass(0)
    expect(told[0]).toBe(`silent: it did not answer a ping: ${reason}`)
  })

  it('pings a silent server once an interval', async () => {
    const { told, pings, pass } = await create({}, { ping: () => ({}) })
    await pass(29)
    expect(pings()).toBe(0)
    await pass(62)
    expect([pings(), told]).toEqual([3, ['alive', 'alive', 'alive']])
  })

  it('leaves a server alone that shows that it lives', async () => {
    const { carrier, told, pings, pass } = await create()
    for (let turn = 0; turn < 4; turn += 1) {
      await pass(20)
      carrier.receive('{"jsonrpc":"2.0","method":"notifications/x"}')
    }
    expect([pings(), told]).toEqual([0, ['alive', 'alive']])
  })

  it('takes an error for an answer: whoever can refuse lives', async () => {
    const refusal = ({ id }: { id?: number }): string =>
      `{"jsonrpc":"2.0","id":${id ?? 0},"error":{"code":-32601,"message":"?"}}`
    const { told, pass } = await create({}, { ping: refusal })
    await pass(31)
    expect(told).toEqual(['alive'])
  })

  it('pings so many times, so long apart, before the server counts as dead, and then no more', async () => {
    const { told, pings, pass } = await create()
    await pass(35)
    expect([pings(), told]).toEqual([1, [silent]])
    await pass(10)
    expect(pings()).toBe(2)
    await pass(15)
    expect(pings()).toBe(3)
    await pass(5)
    expect(told).toEqual([silent, silent, silent, dead])
    await pass(600)
    expect([pings(), told.length]).toEqual([3, 4])
  })

  it('fails so many times in a row as configured', async () => {
    const { told, pass } = await create({ attempts: 1, threshold: 3 })
    await pass(35 + 35)
    expect(told).toEqual([silent, silent])
    await pass(35)
    expect(told).toEqual([silent, silent, silent, dead])
  })

  it('asks a server for its list that knows no ping, and goes on with that', async () => {
    const answers = { initialize: () => toOpening({ tools: {} }), 'tools/list': () => ({ tools: [] }) }
    const { carrier, told, pings, pass } = await create({}, answers)
    await pass(66)
    expect(told).toEqual([silent, silent, silent, 'alive'])
    await pass(300)
    expect([pings(), told.filter((line) => line === silent).length]).toEqual([3, 3])
    expect(carrier.sentOf('tools/list').length).toBeGreaterThan(5)
  })

  it('does not ask for a list once a ping was answered', async () => {
    let isSilent = false
    const answers = {
      initialize: () => toOpening({ tools: {} }),
      ping: () => (isSilent ? undefined : {}),
      'tools/list': () => ({ tools: [] }),
    }
    const { told, pass } = await create({}, answers)
    await pass(31)
    isSilent = true
    await pass(66)
    expect(told.at(-1)).toBe(dead)
  })

  it('takes whatever comes late for a sign of life', async () => {
    const { carrier, told, pass } = await create()
    await pass(36)
    carrier.receive('{"jsonrpc":"2.0","method":"notifications/x"}')
    await pass(10)
    expect(told).toEqual([silent, 'alive'])
  })

  it('does not give a server up that works on a call from before it fell silent', async () => {
    const { connection, told, pass } = await create()
    const id = call(connection)
    await pass(600)
    expect(told.filter((line) => line !== silent)).toEqual([])
    connection.requests.take(id)
    await pass(100)
    expect(told.at(-1)).toBe(dead)
  })

  it('gives a server up that took its calls when it was silent already', async () => {
    const { connection, told, pass } = await create()
    await pass(36)
    call(connection)
    await pass(60)
    expect(told.at(-1)).toBe(dead)
  })

  it('gives a server up that is suspended, whatever it worked on', async () => {
    const { connection, carrier, told, pass } = await create()
    call(connection)
    carrier.isSuspendedNow = true
    await pass(66)
    expect(told.at(-1)).toBe(dead)
  })

  it('does not blame a server for what we do not read', async () => {
    const { connection, told, pings, pass } = await create()
    connection.holdReading()
    await pass(300)
    expect(pings()).toBe(0)
    connection.releaseReading()
    await pass(66)
    expect(told.at(-1)).toBe(silent)
  })

  it('checks at once when asked to, even a server that just spoke', async () => {
    const { carrier, check, told, pings, pass } = await create({}, { ping: () => ({}) })
    carrier.receive('{"jsonrpc":"2.0","method":"notifications/x"}')
    check.checkNow()
    check.checkNow()
    expect(pings()).toBe(1)
    await pass(0)
    expect(told).toEqual(['alive'])
  })

  it('is off where it is switched off, and can be switched on', async () => {
    const { check, pings, pass } = await create({ enabled: false }, { ping: () => ({}) })
    check.checkNow()
    await pass(600)
    expect(pings()).toBe(0)
    check.adjust(usual)
    await pass(31)
    expect(pings()).toBe(1)
  })

  it('holds nothing against a server once it is switched off', async () => {
    const { check, told, pass } = await create()
    await pass(36)
    check.adjust({ ...usual, enabled: false })
    expect(told).toEqual([silent, 'alive'])
    await pass(600)
    expect(told).toEqual([silent, 'alive'])
  })

  it('says nothing after it was stopped', async () => {
    const { check, told, pass } = await create()
    await pass(31)
    check.stop()
    await pass(600)
    expect(told).toEqual([])
  })
})
