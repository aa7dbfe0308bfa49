import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { createFakeConnection, toOpening } from '../../../testing/fake-carrier.ts'

const note = (method: string) => `{"jsonrpc":"2.0","method":"${method}"}`

async function open(...given: Parameters<typeof createFakeConnection>) {
  const fake = createFakeConnection(...given)
  await fake.connection.opened
  // The connection hands messages on from the next turn on.
  await nextTurn()
  return fake
}

describe('opening a connection', () => {
  it('tells the capabilities and the answer that the server opened with', async () => {
    const { connection } = createFakeConnection({ initialize: () => toOpening({ tools: {}, vendor: {} }) })
    expect([...connection.capabilities]).toEqual([])
    await connection.opened
    expect([...connection.capabilities]).toEqual(['tools', 'vendor'])
    expect(JSON.parse(connection.initialize.toString())).toMatchObject({ serverInfo: { name: 'fake' } })
  })

  it('tells what the server sent meanwhile after whoever waits for the opening has heard of it', async () => {
    const { connection, carrier, told } = createFakeConnection({ initialize: () => undefined })
    const opened = connection.opened.then(() => told.push('opened'))
    carrier.receive(note('first'))
    carrier.receive('{"jsonrpc":"2.0","id":1,"method":"roots/list"}')
    await vi.waitFor(() => {
      expect(carrier.sent).toHaveLength(1)
    })
    carrier.receive(JSON.stringify({ jsonrpc: '2.0', id: carrier.sent[0]?.id, result: toOpening() }))
    carrier.receive(note('last'))
    await opened
    await nextTurn()
    expect(told).toEqual(['opened', 'notification first', 'request roots/list', 'notification last'])
  })

  it('lets nothing that comes right after the opening overtake what came during it', async () => {
    const { connection, carrier, told } = createFakeConnection()
    carrier.receive(note('early'))
    await connection.opened
    carrier.receive(note('late'))
    await nextTurn()
    expect(told).toEqual(['notification early', 'notification late'])
  })

  it('fails with the reason when the connection ends meanwhile', async () => {
    const { connection, carrier } = createFakeConnection({ initialize: () => undefined })
    carrier.listener.onClosed({ kind: 'lost', reason: 'it exited with code 1' })
    await expect(connection.opened).rejects.toThrow('it exited with code 1')
    expect(connection.isClosed).toBe(true)
  })

  it('fails when the server does not answer in time', async () => {
    const { connection } = createFakeConnection({ initialize: () => undefined }, { connectMs: 20 })
    await expect(connection.opened).rejects.toThrow('did not answer the opening')
  })
})

describe('messages of the server', () => {
  it('are of no use after the end of the connection, even those that came during its opening', async () => {
    const { connection, carrier, told } = createFakeConnection()
    carrier.receive(note('early'))
    await connection.opened
    carrier.listener.onClosed({ kind: 'lost', reason: 'it exited with code 0' })
    await nextTurn()
    carrier.receive(note('late'))
    expect(told).toEqual(['closed: it exited with code 0'])
  })

  it('go by their kind to whoever takes them', async () => {
    const { carrier, told } = await open()
    carrier.receive('{"id":1,"method":"sampling/createMessage"}')
    carrier.receive(note('notifications/message'))
    expect(told).toEqual(['request sampling/createMessage', 'notification notifications/message'])
  })

  it('count as output when they are no messages', async () => {
    const { carrier, told, entries } = await open()
    carrier.receive('{"id":')
    carrier.receive('[INFO] started')
    expect(told).toEqual(['output {"id":', 'output [INFO] started'])
    expect(entries.map(({ level }) => level)).toEqual(['debug', 'debug'])
  })

  it('are dropped when they answer nobody', async () => {
    const { carrier, told, entries } = await open()
    carrier.receive('{"id":99,"result":{}}')
    carrier.receive('{"id":null,"error":{}}')
    expect(told).toEqual([])
    expect(entries.map(({ level }) => level)).toEqual(['debug', 'debug'])
  })
})

describe('messages of the server that are broken inside', () => {
  it('end nothing: a request is refused, a notification is dropped, both go into the log', async () => {
    const { connection, carrier, entries } = await open(
      {},
      {
        onRequest: () => {
          throw new SyntaxError('Unexpected byte')
        },
      },
    )
    carrier.receive('{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"a" 1}}')
    expect(carrier.sent.at(-1)).toMatchObject({ id: 'q', error: { code: -32700 } })
    carrier.receive('{"jsonrpc":"2.0","method":"notifications/progress","params":{"a" 1}}')
    expect(carrier.sent.at(-1)).toMatchObject({ id: 'q' })
    expect(entries.map(({ level }) => level)).toEqual(['warning', 'warning'])
    expect(connection.isClosed).toBe(false)
  })
})

describe('requests of ours', () => {
  it('get their answers, whatever their order, though ids come back as strings', async () => {
    const { connection, carrier } = await open()
    const asked = [connection.request('a', {}, 5000), connection.request('b', {}, 5000)]
    const ids = ['a', 'b'].map((method) => carrier.sentOf(method)[0]?.id ?? 0)
    carrier.receive(`{"id":"${ids[1] ?? 0}","result":"for b"}`)
    carrier.receive(`{"id":${ids[0] ?? 0},"error":{"code":1}}`)
    const [a, b] = await Promise.all(asked)
    expect([a?.error, b?.result].map((span) => span !== undefined)).toEqual([true, true])
    expect(connection.requests.size).toBe(0)
  })

  it('fail when there is no answer in time, and a late one is dropped', async () => {
    const { connection, carrier, told } = await open()
    const asked = connection.request('a', {}, 10)
    await expect(asked).rejects.toThrow('it did not answer a within 0.01 s')
    carrier.receive(`{"id":${carrier.sentOf('a')[0]?.id ?? 0},"result":{}}`)
    expect(told).toEqual([])
  })

  it('fail with the reason when the connection is lost, and at once after that', async () => {
    const { connection, carrier, told } = await open()
    const asked = connection.request('a', {}, 5000)
    carrier.listener.onClosed({ kind: 'lost', reason: 'it was ended by SIGKILL' })
    await expect(asked).rejects.toThrow('it was ended by SIGKILL')
    await expect(connection.request('b', {}, 5000)).rejects.toThrow('it was ended by SIGKILL')
    expect(told).toEqual(['closed: it was ended by SIGKILL'])
    expect(carrier.sentOf('b')).toEqual([])
  })

  it('hear of progress, which goes to nobody else', async () => {
    const { connection, carrier, told } = await open()
    const onProgress = vi.fn()
    const id = connection.requests.add({
      method: 'a',
      timeoutMs: 5000,
      resetOnProgress: false,
      onAnswer: vi.fn(),
      onTimeout: () => 'give-up',
      onLost: vi.fn(),
      onProgress,
    })
    carrier.receive(`{"method":"notifications/progress","params":{"progressToken":${id},"progress":1}}`)
    expect(onProgress).toHaveBeenCalledTimes(1)
    expect(told).toEqual([])
    connection.requests.take(id)
  })
})

describe('a message that is too long', () => {
  const cases: readonly [string, (id: number) => readonly [string, string]][] = [
    ['id stands at its start', (id) => [`{"jsonrpc":"2.0", "id" : ${id},"result":"xx`, 'xxx"}']],
    ['id stands at its end', (id) => ['{"result":"xx', `xx"},"id":${id}}`]],
    ['id and version stand at its end', (id) => ['{"result":"xx', `xx"},"id":${id},"jsonrpc":"2.0"}`]],
  ]
  it.each(cases)('fails the call that it answers when the %s', async (...[, toEdges]) => {
    const { connection, carrier, entries } = await open()
    const other = connection.request('other', {}, 5000)
    const asked = connection.request('a', {}, 5000)
    const [first, last] = toEdges(carrier.sentOf('a')[0]?.id ?? 0)
    carrier.listener.onTooLong(Buffer.from(first), Buffer.from(last))
    await expect(asked).rejects.toThrow('its answer is longer than limits.messageBytes allows')
    expect(entries.map(({ level }) => level)).toEqual(['error'])
    carrier.receive(`{"id":${carrier.sentOf('other')[0]?.id ?? 0},"result":{}}`)
    await other
  })

  it('fails no call when it answers none that can be told', async () => {
    const { connection, carrier } = await open()
    const asked = connection.request('a', {}, 5000)
    const id = carrier.sentOf('a')[0]?.id ?? 0
    for (const first of ['{"method":"x","params":{"text":"', `{"id":99,"result":"`, `{"x":{"id":${id}`]) {
      carrier.listener.onTooLong(Buffer.from(first), Buffer.from('xxx"}}'))
    }
    carrier.receive(`{"id":${id},"result":{}}`)
    await asked
  })

  it('fails no call of ours when it is a question of the server that bears the same id', async () => {
    const { connection, carrier } = await open()
    const asked = connection.request('a', {}, 5000)
    const id = carrier.sentOf('a')[0]?.id ?? 0
    const first = `{"jsonrpc":"2.0","id":${id},"method":"sampling/createMessage","params":{"text":"xxx`
    carrier.listener.onTooLong(Buffer.from(first), Buffer.from('xxx"}}'))
    carrier.receive(`{"id":${id},"result":{}}`)
    await expect(asked).resolves.toMatchObject({ kind: 'response' })
    expect(carrier.sent.at(-1)).toMatchObject({ id, error: { code: -32600 } })
  })
})

describe('the flow of a connection', () => {
  it('is that of its carrier', async () => {
    const { connection, carrier, told } = await open()
    expect(connection.isCongested).toBe(false)
    carrier.isCongested = true
    expect(connection.isCongested).toBe(true)
    connection.holdReading()
    connection.holdReading()
    connection.releaseReading()
    expect(carrier.holds).toBe(1)
    carrier.listener.onDrained()
    expect(told).toEqual(['drained'])
    await connection.stop()
    expect(carrier.stops).toBe(1)
  })
})

it('keeps secrets that the server repeats in a refusal out of the reason', async () => {
  const { connection, carrier, entries } = createFakeConnection()
  await connection.opened
  for (const times of [1, 2]) {
    const asked = connection.request('ping', undefined, 5000)
    const failure = { kind: 'refused', reason: 'hunter2 has no right', isOfServer: true } as const
    carrier.listener.onRequestFailed(carrier.sent.at(-1)?.id ?? 0, failure)
    await expect(asked, `time ${times}`).rejects.toThrow('••• has no right')
  }
  expect(entries.map(({ level, fields }) => [level, fields['reason']])).toEqual([
    ['warning', '••• has no right'],
  ])
})

it('takes it for a sign of life when the server itself refuses a request', async () => {
  const { connection, carrier } = createFakeConnection()
  await connection.opened
  for (const isOfServer of [false, true]) {
    const asked = connection.request('ping', undefined, 5000)
    const before = performance.now()
    const id = carrier.sent.at(-1)?.id ?? 0
    carrier.listener.onRequestFailed(id, { kind: 'refused', reason: 'no', isOfServer })
    await expect(asked).rejects.toThrow('no')
    expect(connection.lastHeard >= before).toBe(isOfServer)
  }
})
