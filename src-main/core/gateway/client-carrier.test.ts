import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { connectSocketClient } from '../../testing/socket-client.ts'
import { ClientCarrier, type ClientStreams } from './client-carrier.ts'

function createLink() {
  const lines: string[] = []
  return {
    lines,
    receive: (line: Buffer) => lines.push(line.toString()),
    onDrained: vi.fn(),
    close: vi.fn(),
  }
}

function create(changes: Partial<ClientStreams> = {}) {
  const { logger, entries } = createLogRecorder()
  const [input, output] = [new PassThrough(), new PassThrough()]
  const onClosed = vi.fn()
  const carrier = new ClientCarrier({ input, output, messageBytes: 100, logger, ...changes }, onClosed)
  const link = createLink()
  carrier.join(link)
  const send = (text: string) => {
    carrier.send([Buffer.from(text)])
  }
  return { carrier, input, output, link, onClosed, send, entries }
}

/** A carrier on a real socket, with the client at its other end. */
async function createOnSocket(changes: Partial<ClientStreams> = {}) {
  const folder = await makeScratchFolder()
  const server = createServer().listen(path.join(folder, 'x.sock'))
  await once(server, 'listening')
  const [client, [socket]] = await Promise.all([
    connectSocketClient(path.join(folder, 'x.sock')),
    once(server, 'connection') as Promise<[Socket]>,
  ])
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  return { ...create({ input: socket, output: socket, ...changes }), client, socket }
}

const large = Buffer.alloc(9 * 1024 * 1024, 'x')

describe('ClientCarrier', () => {
  it('carries lines to whoever takes them, and back', async () => {
    const { carrier, input, output, link, send } = create()
    const first = { lines: [] as string[] }
    carrier.giveTo({ receive: (line) => first.lines.push(line.toString()) })
    input.write('{"hello":1}\n')
    await nextTurn()
    carrier.join(link)
    input.write('{"a":1}\r\n{"b"')
    input.end(':1}')
    send('{"c":1}')
    await vi.waitFor(() => {
      expect(link.lines).toEqual(['{"a":1}', '{"b":1}'])
    })
    expect(first.lines).toEqual(['{"hello":1}'])
    expect(String(output.read())).toBe('{"c":1}\n')
  })

  it('answers a line that is too long, and goes on with the next', async () => {
    const { input, output, link } = create()
    const answered = once(output, 'data') as Promise<[Buffer]>
    input.write(`{"x":"${'x'.repeat(200)}"}\n{"a":1}\n`)
    await vi.waitFor(() => {
      expect(link.lines).toEqual(['{"a":1}'])
    })
    expect(JSON.parse(String((await answered)[0]))).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32600, message: 'The message is longer than 100 bytes (limits.messageBytes).' },
    })
  })

  it('tells its session and its owner once that the client is gone, when input ends', async () => {
    const { carrier, input, link, onClosed, output } = create()
    input.end()
    await once(output, 'finish')
    carrier.close()
    expect([link.close.mock.calls.length, onClosed.mock.calls.length]).toEqual([1, 1])
  })

  it('is closed by a stream that breaks, with a word in the log', async () => {
    const { output, link, onClosed, entries } = create()
    output.destroy(new Error('EPIPE'))
    await vi.waitFor(() => {
      expect(onClosed).toHaveBeenCalledTimes(1)
    })
    expect(link.close).toHaveBeenCalledTimes(1)
    expect(entries.map(({ fields }) => fields['error'])).toEqual(['EPIPE'])
  })

  it('sends what is still to be sent when it closes, and takes and sends nothing after that', async () => {
    const { carrier, input, output, link, send } = create()
    send('last')
    carrier.close()
    send('too late')
    input.write('{"too":"late"}\n')
    await once(output, 'finish')
    await nextTurn()
    expect(String(output.read())).toBe('last\n')
    expect(link.lines).toEqual([])
  })

  it('takes no line while its input is held, until as many releases have come', async () => {
    const { carrier, input, link } = create()
    carrier.holdInput()
    carrier.holdInput()
    input.write('{"a":1}\n')
    carrier.releaseInput()
    await nextTurn()
    expect(link.lines).toEqual([])
    carrier.releaseInput()
    await vi.waitFor(() => {
      expect(link.lines).toEqual(['{"a":1}'])
    })
  })
})

describe('a client that does not read', { timeout: 30_000 }, () => {
  it('is not listened to until it has read', async () => {
    const { carrier, client, link, send } = await createOnSocket({ stallMs: 60_000 })
    client.pause()
    carrier.send([large])
    expect(carrier.isCongested).toBe(true)
    client.send({ a: 1 })
    send('more')
    await nextTurn()
    expect([link.lines, link.onDrained.mock.calls.length]).toEqual([[], 0])
    client.resume()
    await vi.waitFor(() => {
      expect(link.lines).toEqual(['{"a":1}'])
    }, patience)
    expect(link.onDrained).toHaveBeenCalledTimes(1)
    expect(carrier.isCongested).toBe(false)
    await vi.waitFor(() => {
      expect(client.lines[1]).toBe('more')
    }, patience)
  })

  it('is cut off in the end, while another goes on', async () => {
    const slow = await createOnSocket({ stallMs: 50 })
    const quick = await createOnSocket({ stallMs: 60_000 })
    slow.client.pause()
    slow.carrier.send([large])
    quick.carrier.send([large])
    await vi.waitFor(() => {
      expect(slow.onClosed).toHaveBeenCalledTimes(1)
    }, patience)
    expect(slow.link.close).toHaveBeenCalledTimes(1)
    expect(slow.entries.map(({ level }) => level)).toEqual(['warning'])
    quick.send('{"still":"here"}')
    await vi.waitFor(() => {
      expect(quick.client.lines[1]).toBe('{"still":"here"}')
    }, patience)
    expect(quick.onClosed).not.toHaveBeenCalled()
  })
})
