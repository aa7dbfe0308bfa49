import { realpath } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPortOwner, isPatchbay, parseLsof, parseNetstat, parseProcNet } from './port-owner.ts'

describe('parseProcNet', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1CF3 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1CF3 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 31338 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
`

  it('finds who listens, not who is connected', () => {
    expect(parseProcNet(text, 7411)).toEqual(['31337'])
    expect(parseProcNet(text, 80)).toEqual(['4711'])
    expect(parseProcNet(text, 81)).toEqual([])
    expect(parseProcNet('', 80)).toEqual([])
  })
})

describe('parseLsof', () => {
  it('finds pid and name', () => {
    expect(parseLsof('p1234\ncnode\nf20\n')).toEqual({ pid: 1234, name: 'node' })
    expect(parseLsof('p1234\n')).toEqual({ pid: 1234, name: undefined })
    expect(parseLsof('')).toBeUndefined()
  })
})

describe('parseNetstat', () => {
  const text = [
    '',
    'Aktive Verbindungen',
    '',
    '  Proto  Lokale Adresse         Remoteadresse          Status           PID',
    '  TCP    127.0.0.1:7411         127.0.0.1:50000        HERGESTELLT      10',
    '  TCP    127.0.0.1:7411         0.0.0.0:0              ABHÖREN          4321',
    '  TCP    [::1]:80               [::]:0                 LISTENING        4',
    '  UDP    0.0.0.0:80             *:*                                     5',
  ].join('\r\n')

  it('finds the pid in any language', () => {
    expect(parseNetstat(text, 7411)).toEqual({ pid: 4321, name: undefined })
    expect(parseNetstat(text, 80)).toEqual({ pid: 4, name: undefined })
    expect(parseNetstat(text, 411)).toBeUndefined()
  })
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('findPortOwner', () => {
  it.runIf(process.platform === 'linux')('finds this very process', async () => {
    const port = await listen(createTcpServer())
    const owner = await findPortOwner(port)
    expect(owner?.pid).toBe(process.pid)
    expect(owner?.name).toBe(path.basename(await realpath(process.execPath)))
  })

  it('finds nobody where nobody listens', async () => {
    const server = createTcpServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    expect(await findPortOwner(port)).toBeUndefined()
  })

  it.each(['win32', 'darwin'] as const)(
    'goes without on %s when there is no such command',
    async (platform) => {
      const { PATH } = process.env
      process.env['PATH'] = '/nowhere'
      try {
        expect(await findPortOwner(7411, platform)).toBeUndefined()
      } finally {
        process.env['PATH'] = PATH
      }
    },
  )
})

describe('isPatchbay', () => {
  it.each([
    ['{"status":"ok"}', true],
    ['{"status":"no"}', false],
    ['x'.repeat(1000), false],
  ])('tells by the answer %s: %s', async (text, isOurs) => {
    const port = await listen(createServer((...[, response]) => response.end(text)))
    expect(await isPatchbay('127.0.0.1', port)).toBe(isOurs)
  })

  it('is not where nothing answers', async () => {
    const server = createTcpServer((socket) => socket.destroy())
    expect(await isPatchbay('127.0.0.1', await listen(server))).toBe(false)
    const silent = createTcpServer()
    expect(await isPatchbay('127.0.0.1', await listen(silent))).toBe(false)
  })
})
