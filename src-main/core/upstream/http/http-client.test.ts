import { createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sendNoted, type NotedExchange } from '../../../testing/noted-exchange.ts'
import { patience } from '../../../testing/patience.ts'
import { openHttpBench, type HttpBench } from '../../../testing/upstream-http-bench.ts'
import { HttpClient, type HttpRequest } from './http-client.ts'

let client: HttpClient
beforeEach(() => {
  client = new HttpClient({ env: {} })
})
afterEach(() => client.close())

function send(url: string, request?: Partial<HttpRequest>, connectMs?: number): NotedExchange {
  return sendNoted(client, url, request, connectMs)
}

const post = { method: 'POST', headers: { 'x-key': 'k' }, body: Buffer.from('the body') } as const

/** Lets everything happen that was going to happen at once: a whole other exchange. */
async function settle(bench: HttpBench): Promise<void> {
  const other = send(bench.url, { method: 'DELETE' })
  ;(await bench.next('DELETE')).answer(204)
  await other.over
}

describe('a request', () => {
  it('brings method, headers and body, and its response comes as head, data and end', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url, post)
    const request = await bench.next('POST')
    expect([request.body, request.headers['x-key']]).toEqual(['the body', 'k'])
    request.answer(201, { 'content-type': 'text/plain' }, 'hello')
    await over
    expect(told).toEqual(['201 text/plain', 'hello', 'end'])
  })

  it('whose listener throws at the head or at the data ends with that error', async () => {
    const bench = await openHttpBench()
    const { told, over, onHead } = send(bench.url)
    onHead.run = () => {
      throw new Error('no')
    }
    ;(await bench.next('GET')).answer(200, {}, 'x')
    await over
    expect(told).toEqual(['200 -', 'lost: the connection was cut (Error)'])
  })

  it('that cannot be sent at all ends with an error after it was sent', async () => {
    const { told, over } = send('http://127.0.0.1:9', { headers: { 'x-key': 'a\nb' } })
    expect(told).toEqual([])
    await over
    expect(told).toEqual([expect.stringMatching(/^refused: the request to it cannot be sent as it is/)])
  })

  it('is sent once, however the server cuts the connection', async () => {
    const bench = await openHttpBench()
    const first = send(bench.url, post)
    ;(await bench.next('POST')).answer(200, {}, 'x')
    await first.over
    for (const method of ['POST', 'GET', 'DELETE'] as const) {
      const { told, over } = send(bench.url, { method })
      const request = await bench.next(method)
      request.cut()
      await over
      expect(told).toEqual([expect.stringMatching(/^lost: the connection was cut \(/)])
    }
    expect(bench.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET', 'DELETE'])
  })

  it('is sent once to a server that closes a connection just when the request arrives on it', async () => {
    let requests = 0
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => {
        requests += 1
        if (requests === 2) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    await send(url, post).over
    const { told, over } = send(url, post)
    await over
    expect([told, requests]).toEqual([[expect.stringMatching(/^lost: /)], 2])
  })
})

describe('redirects', () => {
  it.each([307, 308])('%i within the server are followed with method, headers and body', async (status) => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url, post)
    ;(await bench.next('POST')).answer(status, { location: '/other?x=1' }, 'look there')
    const request = await bench.next('POST')
    expect([request.path, request.body, request.headers['x-key']]).toEqual(['/other?x=1', 'the body', 'k'])
    request.answer(200, {}, 'x')
    await over
    expect(told).toEqual(['200 -', 'x', 'end'])
  })

  it.each([301, 302, 303])('%i of a POST are refused with the address that is meant', async (status) => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url, post)
    ;(await bench.next('POST')).answer(status, { location: '/other' })
    await over
    expect(told).toEqual([
      `refused: it sends us on to ${bench.origin}/other (HTTP ${status}); if that is right, put that address into the configuration`,
    ])
    expect(bench.requests).toHaveLength(1)
  })

  it('of a GET are followed within the server', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url)
    ;(await bench.next('GET')).answer(302, { location: 'other' })
    ;(await bench.next('GET')).answer(200, {}, 'x')
    await over
    expect([told, bench.requests[1]?.path]).toEqual([['200 -', 'x', 'end'], '/other'])
  })

  it.each(['GET', 'POST'] as const)(
    'of a %s to another server are refused, and nothing is sent there',
    async (method) => {
      const bench = await openHttpBench()
      const other = await openHttpBench()
      const { told, over } = send(bench.url, method === 'POST' ? post : { headers: post.headers })
      ;(await bench.next(method)).answer(307, { location: `${other.url}?key=secret` })
      await over
      expect(told).toEqual([expect.stringContaining(`it sends us on to ${other.url} (HTTP 307)`)])
      expect([other.requests.length, other.connections]).toEqual([0, 0])
    },
  )

  it('are told without what looks like a key in them', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url)
    ;(await bench.next('GET')).answer(307, {
      location: 'https://x.invalid/s/a1b2c3d4e5f6a7b8c9/mcp?key=secret',
    })
    await over
    expect(told).toEqual([
      expect.stringContaining('it sends us on to https://x.invalid/s/•••/mcp (HTTP 307)'),
    ])
  })

  it.each(['ends never', 'breaks'])('are followed though their body %s', async (how) => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url, post)
    const first = (await bench.next('POST')).begin(307, { location: '/other', 'content-length': '100' })
    first.write('x')
    if (how === 'breaks') first.cut()
    ;(await bench.next('POST')).answer(200, {}, 'y')
    await over
    await first.closed
    expect(told).toEqual(['200 -', 'y', 'end'])
    expect(bench.requests.map(({ path, body }) => [path, body])).toEqual([
      ['/mcp', 'the body'],
      ['/other', 'the body'],
    ])
  })

  it('are not followed once nobody wants the answer', async () => {
    const bench = await openHttpBench()
    const { told, exchange } = send(bench.url, post)
    const first = (await bench.next('POST')).begin(307, { location: '/other' })
    await new Promise(setImmediate)
    exchange.abort()
    await first.closed
    expect([told, bench.requests.length]).toEqual([[], 1])
  })

  it('without end are given up', async () => {
    const bench = await openHttpBench()
    bench.rule = (request) => {
      request.answer(307, { location: '/mcp' })
      return true
    }
    const { told, over } = send(bench.url, post)
    await over
    expect(told).toEqual(['refused: it sends us on and on (5 redirects)'])
    expect(bench.requests).toHaveLength(6)
  })

  it('to what is no address are refused', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url)
    ;(await bench.next('GET')).answer(307, { location: 'http://[' })
    await over
    expect(told).toEqual(['refused: it sends us on to what is no address'])
  })
})

describe('a response', () => {
  it('is not read while it is paused', async () => {
    const bench = await openHttpBench()
    const { exchange, told, over } = send(bench.url)
    const request = (await bench.next('GET')).begin(200)
    await vi.waitFor(() => {
      expect(told).toEqual(['200 -'])
    }, patience)
    exchange.pause()
    const block = 'x'.repeat(1024 * 1024)
    let written = 0
    // Until nothing more goes into the buffers of the connection.
    while (request.write(block) || written < 64) written += 1
    await settle(bench)
    // What was on its way already may still have come.
    expect(told.join('').length).toBeLessThan(1024 * 1024)
    exchange.resume()
    request.end('last')
    await over
    expect(told.at(-1)).toBe('end')
    expect(told.join('').length).toBeGreaterThan(64 * 1024 * 1024)
  })

  it('is not read when it was paused before it began', async () => {
    const bench = await openHttpBench()
    const { exchange, told, over } = send(bench.url)
    exchange.pause()
    ;(await bench.next('GET')).answer(200, {}, 'body')
    await settle(bench)
    expect(told).toEqual(['200 -'])
    exchange.resume()
    await over
    expect(told).toEqual(['200 -', 'body', 'end'])
  })
})

describe('ending a request', () => {
  it('before it is sent: it is never sent', async () => {
    const bench = await openHttpBench()
    const { exchange, told } = send(bench.url, post)
    exchange.abort()
    exchange.abort()
    await settle(bench)
    expect([bench.posted, told]).toEqual([[], []])
  })

  it('before the head of the response: the connection is cut and nothing more is told', async () => {
    const bench = await openHttpBench()
    const { exchange, told } = send(bench.url)
    const request = await bench.next('GET')
    exchange.abort()
    await request.closed
    await settle(bench)
    expect(told).toEqual([])
  })

  it('amid the body: the connection is cut and nothing more is told', async () => {
    const bench = await openHttpBench()
    const { exchange, told } = send(bench.url)
    const request = (await bench.next('GET')).begin(200)
    request.write('some')
    await vi.waitFor(() => {
      expect(told).toEqual(['200 -', 'some'])
    }, patience)
    exchange.abort()
    await request.closed
    await settle(bench)
    expect(told).toEqual(['200 -', 'some'])
  })

  it('after it is over does no harm to the next one on the same connection', async () => {
    const bench = await openHttpBench()
    const first = send(bench.url)
    ;(await bench.next('GET')).answer(200)
    await first.over
    // The client learns only after the end that the connection is free.
    await new Promise(setImmediate)
    const second = send(bench.url)
    const request = (await bench.next('GET')).begin(200)
    first.exchange.abort()
    request.end('x')
    await second.over
    expect(second.told).toEqual(['200 -', 'x', 'end'])
    expect(bench.connections).toBe(1)
  })
})
