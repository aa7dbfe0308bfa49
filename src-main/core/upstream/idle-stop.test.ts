import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFakeConnection } from '../../testing/fake-carrier.ts'
import { IdleStop } from './idle-stop.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const request = {
  method: 'tools/call',
  session: 1,
  timeoutMs: 600_000,
  resetOnProgress: false,
  onAnswer: () => undefined,
  onTimeout: () => 'give-up' as const,
  onLost: () => undefined,
}

async function create(seconds: number) {
  const { connection } = createFakeConnection()
  await connection.opened
  const told: number[] = []
  const state = { isWatched: false, connection: connection as typeof connection | undefined }
  const idleStop = new IdleStop(
    () => state.connection,
    () => state.isWatched,
    (after) => told.push(after),
  )
  idleStop.adjust(seconds)
  return { idleStop, connection, told, state }
}

describe('the stop of an idle server', () => {
  it('comes once so long after the last use', async () => {
    const { idleStop, told } = await create(10)
    vi.advanceTimersByTime(6000)
    idleStop.noteUse()
    vi.advanceTimersByTime(9000)
    expect(told).toEqual([])
    vi.advanceTimersByTime(1001)
    expect(told).toEqual([10])
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([10])
  })

  it('never comes while a call is in flight, and counts from its end', async () => {
    const { connection, told } = await create(10)
    const id = connection.requests.add(request)
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([])
    connection.requests.take(id)
    vi.advanceTimersByTime(9000)
    expect(told).toEqual([])
    vi.advanceTimersByTime(3000)
    expect(told).toEqual([10])
  })

  it('never comes while somebody waits for news of the server', async () => {
    const { state, told } = await create(10)
    state.isWatched = true
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([])
    state.isWatched = false
    vi.advanceTimersByTime(11_000)
    expect(told).toEqual([10])
  })

  it('does not come where it is switched off, stopped, or the server is not there', async () => {
    const off = await create(0)
    const stopped = await create(10)
    stopped.idleStop.stop()
    const lost = await create(10)
    lost.state.connection = undefined
    vi.advanceTimersByTime(60_000)
    expect([off.told, stopped.told, lost.told]).toEqual([[], [], []])
  })
})
