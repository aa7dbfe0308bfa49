import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { patience } from '../../../../testing/patience.ts'
import { Connections } from './connections.ts'

/** A server whose responses the test gives; the right token is a path. */
async function openServer(mostStrangers: number) {
  const connections = new Connections(mostStrangers)
  const requests: { socket: Socket; response: ServerResponse }[] = []
  const server = createServer((request, response) => {
    const { socket } = request
    connections.note(socket, request.url === '/right')
    connections.follow(socket, response)
    requests.push({ socket, response })
  })
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const open = async (path?: string, count = 1): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    const before = requests.length
    if (path !== undefined) socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count))
    await vi.waitFor(() => {
      expect(requests).toHaveLength(before + (path === undefined ? 0 : count))
    }, patience)
    return socket
  }
  return { connections, requests, open }
}

describe('Connections', { timeout: 20_000 }, () => {
  it('cut off the stranger that was silent for longest, and nobody who showed the right token', async () => {
    const { connections, requests, open } = await openServer(2)
    const friends = [await open('/right'), await open('/right'), await open('/right')]
    const first = await open('/wrong')
    const second = await open('/wrong')
    first.write('GET /wrong HTTP/1.1\r\nHost: x\r\n\r\n')
    await vi.waitFor(() => {
      expect(requests).toHaveLength(6)
    }, patience)
    await open('/wrong')
    await vi.waitFor(() => {
      expect(second.closed).toBe(true)
    }, patience)
    expect([first, ...friends].map(({ closed }) => closed)).toEqual([false, false, false, false])
    expect(requests.map(({ socket }) => connections.isStranger(socket))).toEqual([
      ...[false, false, false],
      ...[true, false, true, true],
    ])
  })

  it('tell all responses that wait for their turn of the end of their connection, with one listener', async () => {
    const { requests, open } = await openServer(2)
    const socket = await open('/right', 500)
    const closed = new Set<ServerResponse>()
    for (const { response } of requests) response.on('close', () => closed.add(response))
    expect(requests[0]?.socket.listenerCount('close')).toBeLessThan(10)
    // Two have had their turn.
    requests[0]?.response.end()
    await vi.waitFor(() => {
      expect(closed.size).toBe(1)
    }, patience)
    socket.destroy()
    await vi.waitFor(() => {
      expect(closed.size).toBe(500)
    }, patience)
    expect(requests.filter(({ response }) => !response.destroyed)).toEqual([])
  })

  it('end with the answers that are still to come', async () => {
    const { connections, requests, open } = await openServer(2)
    const socket = await open('/right')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    connections.endAfterAnswers()
    const closed = once(socket, 'close')
    requests[0]?.response.end('late')
    await closed
    expect(text).toMatch(/\r\nConnection: close\r\n.*late$/s)
  })
})
