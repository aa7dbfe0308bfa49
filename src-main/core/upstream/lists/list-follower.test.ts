import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createFakeConnection,
  toOpening,
  type FakeAnswers,
  type FakeConnection,
} from '../../../testing/fake-carrier.ts'
import { ListFollower } from './list-follower.ts'
import { emptyLists, parseItems, type Lists } from './list-items.ts'

const toItems = (names: string[]) => {
  const bytes = Buffer.from(JSON.stringify(names.map((name) => ({ name }))))
  return parseItems('tools', bytes, { start: 0, end: bytes.length })
}

const toTools = (...names: string[]) => ({ tools: names.map((name) => ({ name })) })

async function setUp(answers: FakeAnswers, lists: Partial<Lists> = {}) {
  const fake = createFakeConnection({ initialize: () => toOpening({ tools: {} }), ...answers })
  await fake.connection.opened
  const onChanged = vi.fn()
  const follower = new ListFollower({
    logger: fake.logger,
    timeoutMs: 5000,
    lists: { ...emptyLists, ...lists },
    onChanged,
    retryMs: 1,
  })
  const names = () => follower.lists.tools.map(({ key }) => key)
  return { ...fake, follower, onChanged, names }
}

/** Answers the n-th tools/list that was sent, later. */
function answerLater({ carrier }: FakeConnection, index: number, result: object): void {
  carrier.receive(JSON.stringify({ id: carrier.sentOf('tools/list')[index]?.id, result }))
}

describe('ListFollower', () => {
  it('reads the lists of a session that opened, and tells once that they are known', async () => {
    const { follower, connection, onChanged, names } = await setUp({ 'tools/list': () => toTools('a', 'b') })
    expect(follower.isKnown).toBe(false)
    await follower.follow(connection)
    expect(names()).toEqual(['a', 'b'])
    expect(follower.isKnown).toBe(true)
    expect(onChanged).toHaveBeenCalledTimes(1)
  })

  it('asks only for lists that the server offers, and forgets those that it offers no longer', async () => {
    const prompts = toItems(['old'])
    const { follower, connection, carrier } = await setUp({ 'tools/list': () => toTools('a') }, { prompts })
    await follower.follow(connection)
    expect(follower.lists.prompts).toEqual([])
    expect(carrier.sent.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
    ])
  })

  it('keeps the last known list when the server answers with an error, and says so in the log', async () => {
    const { follower, connection, names, entries } = await setUp(
      { 'tools/list': ({ id }) => `{"id":${id ?? 0},"error":{"code":1,"message":"no"}}` },
      { tools: toItems(['old']) },
    )
    await follower.follow(connection)
    expect(names()).toEqual(['old'])
    expect(entries.find(({ level }) => level === 'warning')?.fields).toMatchObject({ list: 'tools' })
  })

  it('tells of a change only when there is one', async () => {
    const answers = [toTools('a'), toTools('a'), toTools('b')]
    const { follower, connection, onChanged, names } = await setUp({ 'tools/list': () => answers.shift() })
    await follower.follow(connection)
    await follower.refresh(connection, 'tools')
    expect(onChanged).toHaveBeenCalledTimes(1)
    await follower.refresh(connection, 'tools')
    expect(onChanged).toHaveBeenCalledTimes(2)
    expect(names()).toEqual(['b'])
  })

  it('reads once more when the list changed, however often, while it was being read', async () => {
    const fake = await setUp({})
    const { follower, connection, carrier, names } = fake
    const reading = follower.refresh(connection, 'tools')
    void follower.refresh(connection, 'tools')
    void follower.refresh(connection, 'tools')
    answerLater(fake, 0, toTools('old'))
    await vi.waitFor(() => {
      expect(carrier.sentOf('tools/list')).toHaveLength(2)
    })
    answerLater(fake, 1, toTools('new'))
    await reading
    expect(names()).toEqual(['new'])
    expect(carrier.sentOf('tools/list')).toHaveLength(2)
  })

  it('is read from the session that came last, though one from before is still being read', async () => {
    const { follower, connection, names } = await setUp({}, { tools: toItems(['old']) })
    const following = follower.follow(connection)
    const other = createFakeConnection({
      initialize: () => toOpening({ tools: {} }),
      'tools/list': () => toTools('new'),
    })
    await other.connection.opened
    const next = follower.follow(other.connection)
    connection.abandon('another came')
    await Promise.all([following, next])
    expect(names()).toEqual(['new'])
    expect(follower.isKnown).toBe(true)
  })

  it('is read again when it could not be, until it can or the session is over', async () => {
    let asked = 0
    const { follower, connection, carrier, names, entries } = await setUp({
      'tools/list': ({ id }) => {
        asked += 1
        if (asked === 3) return toTools('late')
        const failure = { kind: 'failed', reason: 'it cannot take requests now', isOfServer: false } as const
        queueMicrotask(() => {
          carrier.listener.onRequestFailed(id ?? 0, failure)
        })
        return undefined
      },
    })
    await follower.follow(connection)
    await vi.waitFor(() => {
      expect(names()).toEqual(['late'])
    })
    expect(entries.filter(({ level }) => level === 'warning')).toHaveLength(1)
    expect(asked).toBe(3)
  })

  it('does not take the lists for known, nor read again, when the session ends meanwhile', async () => {
    const { follower, connection, carrier, onChanged, names } = await setUp({}, { tools: toItems(['old']) })
    const following = follower.follow(connection)
    void follower.refresh(connection, 'tools')
    carrier.listener.onClosed({ kind: 'lost', reason: 'it exited with code 1' })
    await following
    expect(names()).toEqual(['old'])
    expect([follower.isKnown, onChanged.mock.calls.length]).toEqual([false, 0])
    expect(carrier.sentOf('tools/list')).toHaveLength(1)
  })

  const refuse: FakeAnswers = {
    'tools/list': ({ id }) => `{"id":${id ?? 0},"error":{"code":1,"message":"no"}}`,
  }

  it('is not read again from a session that has a successor', async () => {
    const { follower, connection, carrier, names } = await setUp(refuse)
    const next = createFakeConnection({
      initialize: () => toOpening({ tools: {} }),
      'tools/list': () => toTools('new'),
    })
    await next.connection.opened
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    await follower.follow(connection)
    await follower.follow(next.connection)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(names()).toEqual(['new'])
    expect(carrier.sentOf('tools/list')).toHaveLength(1)
  })

  it('is read again by one timer, however often it fails, and is told of once', async () => {
    const { follower, connection, carrier, entries } = await setUp(refuse)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    await follower.follow(connection)
    for (let count = 0; count < 4; count++) await follower.refresh(connection, 'tools')
    expect(carrier.sentOf('tools/list')).toHaveLength(5)
    await vi.advanceTimersByTimeAsync(16)
    expect(carrier.sentOf('tools/list')).toHaveLength(6)
    expect(entries.filter(({ level }) => level === 'warning')).toHaveLength(1)
  })
})
