import { connect, createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { sendNoted, type NotedExchange } from '../../../testing/noted-exchange.ts'
import { selfSigned } from '../../../testing/self-signed.ts'
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
    const bench = await openHttpBench(selfSigned)
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

/** A proxy that takes every name for that of the bench behind it, and notes what it was asked for. */
async function openProxy(
  behind: HttpBench,
): Promise<{ url: string; asked: string[]; status: { code: number; headers: Record<string, string> } }> {
  const asked: string[] = []
  const status = { code: 200, headers: {} }
  const bench = await openHttpBench()
  bench.rule = (request) => {
    asked.push(`${request.method} ${request.path} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    request.answer(status.code, status.headers, 'by proxy')
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
      const behind = await openHttpBench(selfSigned)
      const proxy = await openProxy(behind)
      client = new HttpClient({ env: { [key]: proxy.url } })
      const { told, over } = send('https://known-to-the-proxy.invalid/')
      await over
      // The certificate that is not trusted is that of the server: so the way was there.
      expect(told).toEqual([expect.stringMatching(/^refused: its certificate is not trusted/)])
      expect(proxy.asked).toEqual(['CONNECT known-to-the-proxy.invalid:443'])
    },
  )

  it('is not in the way of the news that the server sends us elsewhere', async () => {
    const proxy = await openProxy(await openHttpBench())
    Object.assign(proxy.status, { code: 308, headers: { location: 'https://elsewhere.invalid/mcp' } })
    client = new HttpClient({ env: { http_proxy: proxy.url } })
    const { told, over } = send(name)
    await over
    expect(told).toEqual([expect.stringMatching(/^refused: it sends us on to https:/)])
  })

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

  it.each(['socks5://127.0.0.1:1080', 'not an address'])(
    'that cannot be used stands in nobody’s way who needs none: %s',
    async (proxy) => {
      const bench = await openHttpBench()
      bench.rule = (request) => {
        request.answer(204)
        return true
      }
      client = new HttpClient({ env: { all_proxy: proxy } })
      const own = send(bench.url)
      await own.over
      expect(own.told).toEqual(['204 -', 'end'])
      await client.close()
      client = new HttpClient({ env: { all_proxy: proxy, no_proxy: '*' } })
      const other = send(name)
      await other.over
      expect(other.told).toEqual([expect.stringMatching(/^unreachable: its name cannot be found/)])
    },
  )

  it.each(['http_proxy', 'https_proxy'])('that is not there is named as what is missing: %s', async (key) => {
    client = new HttpClient({ env: { [key]: 'http://127.0.0.1:9' } })
    const { told, over } = send(key === 'http_proxy' ? name : name.replace('http:', 'https:'))
    await over
    expect(told).toEqual([
      'unreachable: the proxy that the environment names cannot be reached (ECONNREFUSED)',
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

  it('that wants a sign-in is told as what is in the way', async () => {
    const proxy = await openProxy(await openHttpBench())
    proxy.status.code = 407
    client = new HttpClient({ env: { http_proxy: proxy.url } })
    const { told, over } = send(name)
    await over
    // Its response is over by then.
    await send(name).over
    expect(told).toEqual(['refused: the proxy does not let us through to it (HTTP 407)'])
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
