import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLogRecorder } from '../../../testing/log-recorder.ts'
import { patience } from '../../../testing/patience.ts'
import { isRunning } from '../../../testing/script-server.ts'
import { ManagedProcess } from '../../supervisor/managed-process.ts'
import { openStdioCarrier, type StdioCarrierOptions } from './stdio-carrier.ts'

const stops: (() => Promise<void>)[] = []

/** Opens a carrier to a program in one line of JavaScript and records what it tells. */
function open(script: string, changes: Partial<StdioCarrierOptions> & { command?: string } = {}) {
  const { logger, entries } = createLogRecorder()
  const told = { lines: [] as string[], tooLong: [] as string[], drained: 0, closed: [] as string[] }
  const command = changes.command ?? process.execPath
  const printed = { stdout: [] as string[], stderr: [] as string[] }
  const { platform } = process
  const child = new ManagedProcess(
    { command, args: ['-e', script], env: process.env, cwd: undefined },
    platform,
  )
  const carrier = openStdioCarrier(
    child,
    {
      platform,
      messageBytes: 100_000,
      output: {
        add: (stream, line) => printed[stream].push(line.toString()),
        recent: [],
        redact: (text) => text.replace('hunter2', '•••'),
      },
      logger,
      ...changes,
    },
    {
      onLine: (line) => told.lines.push(line.toString()),
      onTooLong: (first, last) => told.tooLong.push(`${first.toString()}…${last.toString()}`),
      onDrained: () => told.drained++,
      onClosed: ({ reason }) => told.closed.push(reason),
      isAwaited: () => true,
      ...{ onRequestFailed: vi.fn(), onDoubtful: vi.fn(), onExpired: vi.fn() },
    },
  )
  stops.push(() => carrier.stop())
  const send = (text: string) => {
    carrier.send([Buffer.from(text)])
  }
  return { carrier, child, told, send, printed, entries }
}

const closed = (told: { readonly closed: readonly string[] }) =>
  vi.waitFor(() => {
    expect(told.closed).not.toEqual([])
  }, patience)

afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

describe('a stdio carrier', { timeout: 20_000 }, () => {
  it('carries lines both ways and tells once that the process ended', async () => {
    const { told, send, carrier } = open('process.stdin.pipe(process.stdout)')
    send('{"a":"ä"}')
    send('{"b":1}')
    await vi.waitFor(() => {
      expect(told.lines).toEqual(['{"a":"ä"}', '{"b":1}'])
    }, patience)
    await carrier.stop()
    await closed(told)
    send('{"too":"late"}')
    expect(told.closed).toEqual(['it exited with code 0'])
  })

  it('takes what is no JSON on stdout for output', async () => {
    const { told, printed } = open(String.raw`process.stdout.write('Listening…\n\n{"a":1}\r\n42\n[1]\n')`)
    await closed(told)
    expect(told.lines).toEqual(['{"a":1}', '[1]'])
    expect(printed.stdout).toEqual(['Listening…', '42'])
  })

  it('takes a message with space or a byte order mark in front of it for a message', async () => {
    const { told } = open(String.raw`process.stdout.write('\ufeff{"bom":1}\n  {"a":1}\n\t{"b":1}\n')`)
    await closed(told)
    expect(told.lines.map((line) => line.trim())).toEqual(['{"bom":1}', '{"a":1}', '{"b":1}'])
  })

  it('ends a server that closes its input or its output and lives on: calls to it would wait for ever', async () => {
    const lives = 'setInterval(() => undefined, 1000);'
    const deaf = open(`${lives} require('fs').closeSync(0)`)
    const mute = open(`${lives} process.stdout.end(); require('fs').closeSync(1)`)
    await closed(mute.told)
    expect(mute.told.closed).toEqual(['it closed its output'])
    deaf.send('{"is":"lost"}')
    await closed(deaf.told)
    expect(deaf.told.closed).toEqual(['it closed its input'])
  })

  it('takes a last line without an end, written right before the exit', async () => {
    const { told } = open(
      `process.stdout.write('{"last":1}'); process.stderr.write('bye'); process.exitCode = 3`,
    )
    await closed(told)
    expect(told).toMatchObject({ lines: ['{"last":1}'], closed: ['it exited with code 3 (it said: “bye”)'] })
  })

  it('takes stderr for output, line by line, and only the beginning of an endless one', async () => {
    const script = String.raw`process.stderr.write('one\ntwo\n' + 'x'.repeat(100_000) + '\nlast')`
    const { told, printed } = open(script)
    await closed(told)
    await vi.waitFor(() => {
      expect(printed.stderr.map((text) => text.slice(0, 10))).toEqual(['one', 'two', 'x'.repeat(10), 'last'])
    }, patience)
    // Somewhat more than is kept of it, so that who keeps it sees that it was cut, and where secrets in it end.
    expect(printed.stderr[2]).toHaveLength(80 * 1024)
  })

  it('takes as much of an endless line on stdout that is no message', async () => {
    const script = String.raw`process.stdout.write('x'.repeat(99_000) + '\ny' + 'y'.repeat(200_000))`
    const { told, printed } = open(script)
    await closed(told)
    expect(printed.stdout.map((text) => text.slice(0, 1) + String(text.length))).toEqual(['x81920', 'y81920'])
  })

  it('tells what was said on stdout where stderr says nothing', async () => {
    const usage = open(String.raw`console.log('{"a":1}\nusage: server FOLDER'); process.exitCode = 2`)
    const both = open(`console.log('Listening'); console.error('bye'); process.exitCode = 2`)
    await closed(usage.told)
    await closed(both.told)
    expect(usage.told.closed).toEqual(['it exited with code 2 (it said: “usage: server FOLDER”)'])
    expect(both.told.closed).toEqual(['it exited with code 2 (it said: “bye”)'])
  })

  it('tells the edges of a message that is too long and goes on with the next', async () => {
    const { told } = open(
      String.raw`process.stdout.write('{"id":1,"x":"' + 'x'.repeat(50) + '"}\n{"b":1}\n')`,
      {
        messageBytes: 20,
      },
    )
    await closed(told)
    expect(told.lines).toEqual(['{"b":1}'])
    expect(told.tooLong).toHaveLength(1)
    expect(told.tooLong[0]).toMatch(/^\{"id":1,"x":"xxx.*….*xxx"\}$/)
  })

  it('tells that the command was not found', async () => {
    const { told, child, send } = open('', { command: 'no-such-command-here' })
    send('{}')
    await closed(told)
    expect(told.closed).toEqual(['its command “no-such-command-here” was not found'])
    expect(child.pid).toBeUndefined()
  })

  it('ends what the process leaves behind, even when that keeps its stdout open', async () => {
    const { told } = open(`
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
      console.log('[' + child.pid + ']')
      process.exit(4)
    `)
    await closed(told)
    const [pid] = JSON.parse(told.lines[0] ?? '[]') as number[]
    expect(told.closed).toEqual(['it exited with code 4'])
    await vi.waitFor(() => {
      expect(isRunning(pid ?? 0)).toBe(false)
    }, patience)
  })
})

describe('the flow of a stdio carrier', { timeout: 20_000 }, () => {
  it('reads nothing while it is held, until as many releases have come', async () => {
    // The echo comes on stdout first, then on stderr, which is never held.
    const { carrier, told, send, printed } = open(`
      process.stdin.on('data', (chunk) => { process.stdout.write(chunk); process.stderr.write(chunk) })
    `)
    carrier.holdReading()
    carrier.holdReading()
    send('{"a":1}')
    await vi.waitFor(() => {
      expect(printed.stderr).toEqual(['{"a":1}'])
    }, patience)
    carrier.releaseReading()
    send('{"b":1}')
    await vi.waitFor(() => {
      expect(printed.stderr).toEqual(['{"a":1}', '{"b":1}'])
    }, patience)
    await nextTurn()
    expect(told.lines).toEqual([])
    carrier.releaseReading()
    await vi.waitFor(() => {
      expect(told.lines).toEqual(['{"a":1}', '{"b":1}'])
    }, patience)
  })

  // Reads nothing before it is told to by a signal.
  const reluctant = `
    process.on('SIGUSR2', () => process.stdin.resume())
    process.stdin.on('end', () => process.exit(0))
    setInterval(() => {}, 1000)
    console.log('{}')
  `

  it('is congested while the server does not read, and tells when it does again', async () => {
    const { carrier, child, told, entries } = open(reluctant)
    await vi.waitFor(() => {
      expect(told.lines).toEqual(['{}'])
    }, patience)
    carrier.send([Buffer.alloc(9 * 1024 * 1024, 'x')])
    expect(carrier.isCongested).toBe(true)
    expect(entries.filter(({ level }) => level === 'warning')).toHaveLength(1)
    process.kill(child.pid!, 'SIGUSR2')
    await vi.waitFor(() => {
      expect(told.drained).toBe(1)
    }, patience)
    expect(carrier.isCongested).toBe(false)
  })

  it('ends a server that does not read its input for half a minute, and says so', async () => {
    const { carrier, told } = open(reluctant)
    await vi.waitFor(() => {
      expect(told.lines).toEqual(['{}'])
    }, patience)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    carrier.send([Buffer.alloc(9 * 1024 * 1024, 'x')])
    vi.advanceTimersByTime(30_000)
    vi.useRealTimers()
    await closed(told)
    expect(told.closed).toEqual(['it did not read its input'])
    expect(carrier.isCongested).toBe(false)
  })
})
