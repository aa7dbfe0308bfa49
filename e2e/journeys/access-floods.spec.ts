// Floods of wrong tokens and of silent connections, on HTTP and the socket; and what is open without a token at all.
import { connect } from 'node:net'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDeadline } from '../clients/deadline.ts'
import { initialize, RawHttp, type RawAnswer } from '../clients/raw-http.ts'
import { eventually } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { runPatchbay } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { endWithoutLeak } from '../hosts/token-leak.ts'

let app: Headless
let http: RawHttp

beforeAll(async () => {
  app = await startHeadless({
    config: {
      servers: { echo: toServerEntry('echo.ts') },
    },
    args: ['--port', '0'],
  })
  http = new RawHttp(app.ready.url!, () => app.token)
})

afterAll(() => endWithoutLeak(app, http))

describe('who takes their time', () => {
  it('with the head of a request is cut off, and disturbs nobody', async () => {
    const slow = Array.from({ length: 20 }, () => {
      const socket = http.open()
      socket.write(`GET /healthz HTTP/1.1\r\nHost: ${http.authority}\r\n`)
      return new Promise<void>((resolve) => {
        socket.on('close', () => {
          resolve()
        })
      })
    })
    expect((await http.attempt({ target: '/healthz' })).status).toBe(200)
    await withDeadline(Promise.all(slow), 20_000, () => 'slow connections are still open')
  })
})

describe('many wrong tokens', () => {
  it('are held back and told of once, and the right one is let in', async () => {
    await using flooded = await startHeadless({ config: { servers: {} }, args: ['--port', '0'] })
    const one = new RawHttp(flooded.ready.url!, () => flooded.token)
    const { authority } = one
    const request = (token: string): string =>
      `GET /mcp HTTP/1.1\r\nHost: ${authority}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`
    const answers: RawAnswer[] = []
    for (let count = 0; count < 30; count++) answers.push(await one.send(request('wrong')))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401))
    expect(new Set(statuses.slice(20))).toEqual(new Set([429]))
    expect(answers.at(-1)?.text).toMatch(/\r\nRetry-After: \d+\r\n/)
    expect((await one.send(request(flooded.token))).status).toBe(400)
    expect(await sayHello(flooded.socket, 'wrong')).toContain('"code":"busy"')
    expect(await sayHello(flooded.socket, flooded.token)).toContain('"ok":true')
    const log = new AppLog(flooded.dataDir)
    expect(log.read().filter(({ message }) => message === 'A client was not let in.')).toHaveLength(20)
    await log.waitFor(
      ({ message, count }) => message === 'More clients came with wrong tokens.' && count === 11,
      {
        deadline: 15_000,
      },
    )
    expect(one.received).not.toContain(flooded.token)
  })
})

/** Says hello on the local socket and gives the first line of the answer. */
async function sayHello(place: string, token: string): Promise<string> {
  const socket = connect(place)
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.includes('\n')) resolve(text)
  })
  socket.write(`${JSON.stringify({ patchbay: 1, token, client: { name: 'x' } })}\n`)
  try {
    return await withDeadline(promise, 5000, () => `no answer to the hello but: ${text}`)
  } finally {
    socket.destroy()
  }
}

describe('many connections to the socket', () => {
  it('that say nothing are cut off, the oldest first, and keep nobody out', async () => {
    const strangers = Array.from({ length: 200 }, () => connect(app.socket))
    for (const socket of strangers) socket.on('error', () => undefined)
    try {
      await eventually(() => Promise.resolve(strangers.filter(({ closed }) => closed).length)).toBe(136)
      expect(await sayHello(app.socket, app.token)).toContain('"ok":true')
    } finally {
      for (const socket of strangers) socket.destroy()
    }
  })
})

describe('without a token at all (auth none)', () => {
  it('MCP is open, and all else is not', async () => {
    await using open = await startHeadless({
      config: { servers: { echo: toServerEntry('echo.ts') } },
      args: ['--port', '0', '--auth', 'none'],
    })
    const one = new RawHttp(open.ready.url!, () => open.token)
    const end = `Host: ${one.authority}\r\nConnection: close\r\n`
    const type = `Content-Type: application/json\r\nContent-Length: ${initialize.length}\r\n`
    expect((await one.send(`POST /mcp HTTP/1.1\r\n${end}${type}\r\n${initialize}`)).status).toBe(200)
    expect((await one.send(`GET /api/servers HTTP/1.1\r\n${end}\r\n`)).status).toBe(401)
    const foreign = `GET /mcp HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    expect((await one.send(foreign)).status).toBe(403)
    const page = `GET /mcp HTTP/1.1\r\n${end}Origin: https://evil.example\r\n\r\n`
    expect((await one.send(page)).status).toBe(403)
  })

  it('is refused on an address that other computers reach', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pb-'))
    try {
      const options = { env: { PATH: process.env['PATH'], HOME: folder }, cwd: folder }
      const args = ['serve', '--data-dir', path.join(folder, 'data'), '--host', '0.0.0.0', '--auth', 'none']
      const { code, stdout, stderr } = await runPatchbay(args, options)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr.trim().split('\n').at(-1)).toContain('“0.0.0.0” is elsewhere')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the access token', () => {
  it('lies in a file that only this user can read', () => {
    for (const name of ['access-token', 'rendezvous.json']) {
      expect(statSync(path.join(app.dataDir, name)).mode & 0o777).toBe(0o600)
    }
  })
})
