import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseMessage, type RpcNotification, type RpcResponse } from '#base/json-rpc.ts'
import { PendingRequests, type PendingRequest } from './pending-requests.ts'

const response = (id: string) => parseMessage(Buffer.from(`{"id":${id},"result":{}}`)) as RpcResponse
const progress = (params: string) =>
  parseMessage(Buffer.from(`{"method":"notifications/progress","params":${params}}`)) as RpcNotification

function createRequest(changes: Partial<PendingRequest> = {}) {
  return {
    method: 'tools/call',
    timeoutMs: 1000,
    resetOnProgress: true,
    onAnswer: vi.fn(),
    onTimeout: vi.fn((): 'give-up' | 'wait-on' => 'give-up'),
    onLost: vi.fn(),
    ...changes,
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('PendingRequests', () => {
  it('gives each request an id of its own, from the first one on', () => {
    const requests = new PendingRequests(7)
    expect([requests.add(createRequest()), requests.add(createRequest())]).toEqual([7, 8])
    expect(new PendingRequests().add(createRequest())).toBe(1)
    expect(requests.size).toBe(2)
  })

  it('finds the request that a response answers once, though the id comes back as a string', () => {
    const requests = new PendingRequests()
    const [one, two] = [createRequest(), createRequest()]
    const ids = [requests.add(one), requests.add(two)]
    expect(requests.takeAnswered(response(`"${ids[1] ?? 0}"`))).toBe(two)
    expect(requests.takeAnswered(response(String(ids[1])))).toBeUndefined()
    expect(requests.takeAnswered(response(String(ids[0])))).toBe(one)
    expect(requests.size).toBe(0)
  })

  it.each(['99', 'null', '"x"', '-1'])('finds nothing for a response with the id %s', (id) => {
    const requests = new PendingRequests()
    requests.add(createRequest())
    expect(requests.takeAnswered(response(id))).toBeUndefined()
    expect(requests.size).toBe(1)
  })

  it('tells a request that its time is over, once, and gives it up', () => {
    const requests = new PendingRequests()
    const request = createRequest()
    const id = requests.add(request)
    vi.advanceTimersByTime(999)
    expect(request.onTimeout).not.toHaveBeenCalled()
    vi.advanceTimersByTime(5000)
    expect(request.onTimeout).toHaveBeenCalledTimes(1)
    expect(requests.take(id)).toBeUndefined()
  })

  it('waits as long again when it is told to', () => {
    const requests = new PendingRequests()
    const onTimeout = vi
      .fn<PendingRequest['onTimeout']>()
      .mockReturnValueOnce('wait-on')
      .mockReturnValue('give-up')
    requests.add(createRequest({ onTimeout }))
    vi.advanceTimersByTime(1999)
    expect([onTimeout.mock.calls.length, requests.size]).toEqual([1, 1])
    vi.advanceTimersByTime(5)
    expect([onTimeout.mock.calls.length, requests.size]).toEqual([2, 0])
  })

  it('tells each request of its own time, whatever order they come in and whoever is answered meanwhile', () => {
    const requests = new PendingRequests()
    const told: number[] = []
    const ids = [500, 100, 300, 100, 700, 250.5].map((timeoutMs) =>
      requests.add(
        createRequest({
          timeoutMs,
          onTimeout: vi.fn((): 'give-up' => {
            told.push(timeoutMs)
            return 'give-up'
          }),
        }),
      ),
    )
    requests.take(ids[1] ?? 0)
    vi.advanceTimersByTime(99)
    expect(told).toEqual([])
    vi.advanceTimersByTime(3)
    expect(told).toEqual([100])
    vi.advanceTimersByTime(148)
    expect(told).toEqual([100])
    vi.advanceTimersByTime(50)
    expect(told).toEqual([100, 250.5])
    requests.take(ids[4] ?? 0)
    vi.advanceTimersByTime(202)
    expect(told).toEqual([100, 250.5, 300, 500])
    expect([requests.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('keeps the time of a request that comes while others are told that theirs is over', () => {
    const requests = new PendingRequests()
    const late = createRequest({ timeoutMs: 50 })
    const onTimeout = vi.fn((): 'give-up' => {
      requests.add(late)
      return 'give-up'
    })
    requests.add(createRequest({ timeoutMs: 100, onTimeout }))
    vi.advanceTimersByTime(149)
    expect(onTimeout).toHaveBeenCalledTimes(1)
    expect(late.onTimeout).not.toHaveBeenCalled()
    vi.advanceTimersByTime(5)
    expect(late.onTimeout).toHaveBeenCalledTimes(1)
  })

  it('never tells a request of its time that was taken out before', () => {
    const requests = new PendingRequests()
    const [one, two] = [createRequest(), createRequest()]
    const id = requests.add(one)
    requests.add(two)
    expect(requests.take(id)).toBe(one)
    expect(requests.takeAll()).toEqual([two])
    expect(requests.takeAll()).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10_000)
    expect(one.onTimeout).not.toHaveBeenCalled()
    expect(two.onTimeout).not.toHaveBeenCalled()
  })

  it('counts nothing as late whose answer has come while nobody looked', async () => {
    vi.useRealTimers()
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [Socket],
      [],
    ]
    const requests = new PendingRequests()
    const request = createRequest({ timeoutMs: 5 })
    const id = requests.add(request)
    const taken = new Promise((resolve) => {
      client.once('data', () => {
        resolve(requests.take(id))
      })
    })
    socket.write('answer')
    // Both are due after this pause of the whole process: the timer comes first, the answer is read after it.
    const end = performance.now() + 50
    while (performance.now() < end);
    expect(await taken).toBe(request)
    expect(request.onTimeout).not.toHaveBeenCalled()
    client.destroy()
    server.close()
  })

  it('lets a request be taken out while its time-out is told', () => {
    const requests = new PendingRequests()
    const onTimeout = vi.fn((): 'give-up' => {
      requests.take(id)
      return 'give-up'
    })
    const id = requests.add(createRequest({ onTimeout }))
    vi.advanceTimersByTime(1005)
    expect(requests.size).toBe(0)
  })

  it('starts the time anew with progress, where the request wants that, and hands it on', () => {
    const requests = new PendingRequests()
    const onProgress = vi.fn<NonNullable<PendingRequest['onProgress']>>()
    const patient = createRequest({ onProgress })
    const strict = createRequest({ resetOnProgress: false })
    const ids = [requests.add(patient), requests.add(strict)]
    vi.advanceTimersByTime(900)
    requests.onProgress(progress(`{"progressToken":${ids[0] ?? 0},"progress":1}`))
    requests.onProgress(progress(`{"progressToken":"${ids[1] ?? 0}","progress":1}`))
    vi.advanceTimersByTime(900)
    expect(patient.onTimeout).not.toHaveBeenCalled()
    expect(strict.onTimeout).toHaveBeenCalledTimes(1)
    const [notification, token] = onProgress.mock.calls[0]!
    expect(notification.bytes.toString('utf8', token.start, token.end)).toBe(String(ids[0]))
    vi.advanceTimersByTime(105)
    expect(patient.onTimeout).toHaveBeenCalledTimes(1)
  })

  it.each(['{}', '{"progressToken":99}', '{"progressToken":{}}', '[]'])(
    'passes over progress that belongs to none of them: %s',
    (params) => {
      const requests = new PendingRequests()
      const request = createRequest({ onProgress: vi.fn() })
      requests.add(request)
      vi.advanceTimersByTime(900)
      requests.onProgress(progress(params))
      vi.advanceTimersByTime(105)
      expect(request.onProgress).not.toHaveBeenCalled()
      expect(request.onTimeout).toHaveBeenCalledTimes(1)
    },
  )
})
