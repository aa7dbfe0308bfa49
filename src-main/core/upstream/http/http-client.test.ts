import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openHttpBench, type HttpBench } from '../../../testing/upstream-http-bench.ts'
import { patience } from '../../../testing/patience.ts'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { HttpClient, type HttpExchange, type HttpListener, type HttpRequest } from './http-client.ts'
import { toNetworkTrouble } from './http-trouble.ts'

let client: HttpClient
beforeEach(() => {
  client = new HttpClient({ env: {} })
})
afterEach(() => client.close())

interface Sent {
  readonly exchange: HttpExchange
  /** What came: the status, the data, then `end` or the reason of the error. */
  readonly told: string[]
  readonly over: Promise<void>
  readonly onHead: { run: () => void }
}

/** Sends a request and notes all that comes of it. */
function send(url: string, request: Partial<HttpRequest> = {}, connectMs = 10_000): Sent {
  const told: string[] = []
  const onHead = { run: (): void => undefined }
  let exchange: HttpExchange | undefined
  const over = new Promise<void>((resolve) => {
    const listener: HttpListener = {
      onResponse: ({ status, header }) => {
        told.push(`${status} ${header('content-type') ?? '-'}`)
        onHead.run()
      },
      onData: (chunk) => told.push(chunk.toString()),
      onEnd: () => {
        told.push('end')
        resolve()
      },
      onError: (error) => {
        told.push(`${toNetworkTrouble(error).kind}: ${toNetworkTrouble(error).reason}`)
        resolve()
      },
    }
    exchange = client.send({ method: 'GET', headers: {}, ...request, url: new URL(url) }, connectMs, listener)
  })
  if (exchange === undefined) throw new Error('Whoever sends has the exchange at once.')
  return { exchange, told, over, onHead }
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
    expect(told).toEqual([expect.stringMatching(/^lost: /)])
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
      const { told, over } = send(bench.url, {
        ...post,
        method,
        body: method === 'GET' ? undefined : post.body,
      })
      ;(await bench.next(method)).answer(307, { location: `${other.url}?key=secret` })
      await over
      expect(told).toEqual([expect.stringContaining(`it sends us on to ${other.url} (HTTP 307)`)])
      expect([other.requests.length, other.connections]).toEqual([0, 0])
    },
  )

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
    await vi.waitFor(() => expect(told).toEqual(['200 -']), patience)
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
    await vi.waitFor(() => expect(told).toEqual(['200 -', 'some']), patience)
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
    const second = send(bench.url)
    const request = (await bench.next('GET')).begin(200)
    first.exchange.abort()
    request.end('x')
    await second.over
    expect(second.told).toEqual(['200 -', 'x', 'end'])
    expect(bench.connections).toBe(1)
  })
})

describe('a server that cannot be reached', () => {
  it('since nothing listens there', async () => {
    const { told, over } = send('http://127.0.0.1:9')
    await over
    expect(told).toEqual(['unreachable: nothing listens at its address (ECONNREFUSED)'])
  })

  it('since its name is not to be found', async () => {
    const { told, over } = send('http://nowhere.invalid/')
    await over
    expect(told).toEqual([
      expect.stringMatching(/^unreachable: its name cannot be found.*is the network there\?/),
    ])
  })

  it('since it takes no connection in time', async () => {
    // Takes the connection and says nothing, so that TLS never comes about.
    const server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { told, over } = send(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, 200)
    await over
    expect(told).toEqual(['unreachable: it did not take a connection in time (UND_ERR_CONNECT_TIMEOUT)'])
    await client.close()
  })

  it('since it says nothing in time', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url, { headersMs: 50 })
    await over
    expect(told).toEqual(['lost: it did not begin to answer in time'])
  })

  it('since it speaks something else', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('SSH-2.0-x\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const plain = send(`http://127.0.0.1:${port}`)
    await plain.over
    expect(plain.told).toEqual([expect.stringMatching(/^lost: what answers there does not speak HTTP/)])
    const secure = send(`https://127.0.0.1:${port}`)
    await secure.over
    expect(secure.told).toEqual([
      expect.stringMatching(/^refused: .*does not speak HTTPS.*is http:\/\/ meant\?/),
    ])
  })

  it('since its certificate is nobody’s', async () => {
    const bench = await openHttpBench(await makeCertificate())
    const { told, over } = send(bench.url)
    await over
    expect(told).toEqual([
      expect.stringMatching(/^refused: its certificate is not trusted \(.*NODE_EXTRA_CA_CERTS/),
    ])
    expect(bench.requests).toEqual([])
  })

  it('since the client was closed', async () => {
    const bench = await openHttpBench()
    const { told, over } = send(bench.url)
    await bench.next('GET')
    await client.close()
    await over
    expect(told).toEqual([expect.stringMatching(/^lost: /)])
  })
})

/** A key and a certificate that it signed itself. */
async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const folder = await makeScratchFolder()
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const options = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1'
  execFileSync('openssl', [...options.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

/** A proxy that takes every name for that of the bench behind it, and notes what it was asked for. */
async function openProxy(
  behind: HttpBench,
): Promise<{ url: string; asked: string[]; status: { code: number } }> {
  const asked: string[] = []
  const status = { code: 200 }
  const bench = await openHttpBench()
  bench.rule = (request) => {
    asked.push(`${request.method} ${request.path} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    request.answer(status.code, {}, 'by proxy')
    return true
  }
  bench.server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`)
    const { port } = new URL(behind.origin)
    socket.on('error', () => undefined)
    socket.write(`HTTP/1.1 ${status.code} Whatever\r\n\r\n`)
    if (status.code !== 200) {
      socket.end()
      return
    }
    const through = connect(Number(port), '127.0.0.1')
    through.on('error', () => socket.destroy())
    socket.pipe(through).pipe(socket)
  })
  return { url: bench.origin, asked, status }
}

describe('a proxy', () => {
  const name = 'http://known-to-the-proxy.invalid/mcp?x=1'

  it.each(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'])(
    'that %s names is asked for the whole address',
    async (key) => {
      const proxy = await openProxy(await openHttpBench())
      client = new HttpClient({ env: { [key]: proxy.url.replace('//', '//user:pass@') } })
      const { told, over } = send(name, post)
      await over
      expect(told).toEqual(['200 -', 'by proxy', 'end'])
      expect(proxy.asked).toEqual([`POST ${name} Basic dXNlcjpwYXNz`])
    },
  )

  it.each(['https_proxy', 'HTTPS_PROXY', 'all_proxy'])(
    'that %s names is asked for a way through where the address is https',
    async (key) => {
      const behind = await openHttpBench(await makeCertificate())
      const proxy = await openProxy(behind)
      client = new HttpClient({ env: { [key]: proxy.url } })
      const { told, over } = send('https://known-to-the-proxy.invalid/')
      await over
      // The certificate that is not trusted is that of the server: so the way was there.
      expect(told).toEqual([expect.stringMatching(/^refused: its certificate is not trusted/)])
      expect(proxy.asked).toEqual(['CONNECT known-to-the-proxy.invalid:443'])
    },
  )

  it('may be named without a scheme', async () => {
    const proxy = await openProxy(await openHttpBench())
    client = new HttpClient({ env: { http_proxy: proxy.url.replace('http://', '') } })
    const { told, over } = send(name)
    await over
    expect(told.at(-1)).toBe('end')
  })

  it.each(['not an address', 'ftp://127.0.0.1', 'http://['])('that is none is told: %s', async (proxy) => {
    client = new HttpClient({ env: { http_proxy: proxy } })
    const { told, over } = send(name)
    await over
    expect(told).toEqual([
      'refused: the proxy that the environment names is no address that begins with http:// or https://',
    ])
  })

  it.each([
    ['no_proxy', 'other.invalid, known-to-the-proxy.invalid'],
    ['NO_PROXY', '.invalid'],
    ['no_proxy', '*'],
  ])('is not asked where %s is %s', async (key, value) => {
    const proxy = await openProxy(await openHttpBench())
    client = new HttpClient({ env: { http_proxy: proxy.url, [key]: value } })
    const { told, over } = send(name)
    await over
    expect(told).toEqual([expect.stringMatching(/^unreachable: its name cannot be found/)])
    expect(proxy.asked).toEqual([])
  })

  it('is not asked for this computer', async () => {
    const bench = await openHttpBench()
    const proxy = await openProxy(bench)
    client = new HttpClient({ env: { http_proxy: proxy.url, no_proxy: 'other.invalid' } })
    for (const origin of [bench.origin, bench.origin.replace('127.0.0.1', 'localhost')]) {
      const { told, over } = send(origin)
      ;(await bench.next('GET')).answer(204)
      await over
      expect(told).toEqual(['204 -', 'end'])
    }
    expect(proxy.asked).toEqual([])
  })

  it('for http is not asked where the address is https', async () => {
    const proxy = await openProxy(await openHttpBench())
    client = new HttpClient({ env: { http_proxy: proxy.url } })
    const { told, over } = send('https://known-to-the-proxy.invalid/')
    await over
    expect([told, proxy.asked]).toEqual([[expect.stringMatching(/^unreachable: its name/)], []])
  })

  it.each([
    [407, 'refused'],
    [502, 'unreachable'],
  ])('that does not open a way (%i) is told as what is in the way', async (code, kind) => {
    const proxy = await openProxy(await openHttpBench())
    proxy.status.code = code
    client = new HttpClient({ env: { https_proxy: proxy.url } })
    const { told, over } = send('https://known-to-the-proxy.invalid/')
    await over
    expect(told).toEqual([`${kind}: the proxy does not let us through to it (HTTP ${code})`])
  })
})
