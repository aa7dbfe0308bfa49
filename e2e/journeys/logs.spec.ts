// What servers print is in their logs, and `patchbay logs` shows it, with and without a running app.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultDeadline, withDeadline } from '../clients/deadline.ts'
import { eventually, waitForTool } from '../clients/views.ts'
import { patchbayFile, runPatchbay, Scratch, type Outcome } from '../hosts/built.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

const toLine = (text: string, stream = 'STDOUT'): string => `[2026-11-20T10:00:00.000Z] [${stream}] ${text}`

/** Writes a file of the log of server `files`. */
function writeLog(scratch: Scratch, name: string, lines: readonly string[]): string {
  const folder = path.join(scratch.dataDir, 'logs/files')
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, name)
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  return file
}

function runLogs(scratch: Scratch, ...args: string[]): Promise<Outcome> {
  return runPatchbay(['logs', ...args, '--data-dir', scratch.dataDir], scratch)
}

/** `patchbay logs --follow`; dispose of it and it is gone. */
class Following {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly #exited: Promise<unknown[]>

  constructor({ dataDir, env }: Pick<Scratch, 'dataDir' | 'env'>, ...args: string[]) {
    const all = [patchbayFile, 'logs', ...args, '--follow', '--data-dir', dataDir]
    this.process = spawn(process.execPath, all, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exited = once(this.process, 'exit')
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
  }

  async untilTold(...lines: string[]): Promise<void> {
    await eventually(() => this.stdout).toBe(lines.map((line) => `${line}\n`).join(''))
  }

  /** Exit code and signal. */
  exit(): Promise<unknown[]> {
    return withDeadline(this.#exited, defaultDeadline, () => `logs goes on\n${this.stdout}\n${this.stderr}`)
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL')
  }
}

describe('logs', () => {
  it('prints the last lines of the current and the rotated files', async () => {
    using scratch = new Scratch()
    const lines = Array.from({ length: 150 }, (...[, i]) => toLine(`line ${i}`))
    writeLog(scratch, 'server.20261118T100000.000Z.log', lines.slice(0, 60))
    writeLog(scratch, 'server.20261119T100000.000Z.log', lines.slice(60, 120))
    writeLog(scratch, 'server.log', lines.slice(120))
    const { code, stdout, stderr } = await runLogs(scratch, 'files')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`${lines.slice(50).join('\n')}\n`)
    expect((await runLogs(scratch, 'files', '--lines', '2')).stdout).toBe(`${lines.slice(148).join('\n')}\n`)
    expect((await runLogs(scratch, 'files', '--lines', '0')).stdout).toBe('')
  })

  it('prints those of one stream', async () => {
    using scratch = new Scratch()
    const [one, two, three] = [toLine('1', 'STDERR'), toLine('2'), toLine('3 [STDERR]')]
    writeLog(scratch, 'server.log', [one, two, three])
    const stderr = await runLogs(scratch, 'files', '--lines', '1', '--stream', 'stderr')
    expect(stderr.stdout).toBe(`${one}\n`)
    const stdout = await runLogs(scratch, 'files', '--stream', 'stdout')
    expect(stdout.stdout).toBe(`${two}\n${three}\n`)
  })

  it('of a server without one names those that have one, exit 1, and makes nothing', async () => {
    using scratch = new Scratch()
    const none = await runLogs(scratch, 'lost')
    expect([none.code, none.stdout]).toEqual([1, ''])
    expect(none.stderr).toMatch(/^There is no log of “lost”: [^\n]+ No server has one[^\n]*\n$/)
    expect(() => statSync(scratch.dataDir)).toThrow('ENOENT')
    writeLog(scratch, 'server.log', [])
    const some = await runLogs(scratch, 'lost')
    expect(some.code).toBe(1)
    expect(some.stderr).toMatch(/^There is no log of “lost”: [^\n]+ There are logs of: files\.\n$/)
    expect(await runLogs(scratch, 'files')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('ends well when nobody reads on', async () => {
    using scratch = new Scratch()
    writeLog(
      scratch,
      'server.log',
      Array.from({ length: 100_000 }, () => toLine('x'.repeat(100))),
    )
    using following = new Following(scratch, 'files', '--lines', '100000')
    await eventually(() => following.stdout).not.toBe('')
    following.process.stdout!.destroy()
    expect(await following.exit()).toEqual([0, null])
    expect(following.stderr).toBe('')
  })
})

describe('logs --follow', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'prints what comes, half lines when they are whole, until %s',
    async (signal) => {
      using scratch = new Scratch()
      const file = writeLog(scratch, 'server.log', ['0', '1', '2'])
      using following = new Following(scratch, 'files', '--lines', '2')
      await following.untilTold('1', '2')
      appendFileSync(file, '3\n4 and')
      await following.untilTold('1', '2', '3')
      appendFileSync(file, ' more\n')
      await following.untilTold('1', '2', '3', '4 and more')
      following.process.kill(signal)
      expect(await following.exit()).toEqual([0, null])
      expect(following.stderr).toBe('')
    },
  )

  it('goes on through rotation and removal', async () => {
    using scratch = new Scratch()
    const file = writeLog(scratch, 'server.log', ['1'])
    using following = new Following(scratch, 'files')
    await following.untilTold('1')
    appendFileSync(file, '2\n')
    renameSync(file, path.join(path.dirname(file), 'server.20261119T100000.000Z.log'))
    writeLog(scratch, 'server.log', ['3'])
    await following.untilTold('1', '2', '3')
    rmSync(path.dirname(file), { recursive: true })
    writeLog(scratch, 'server.log', ['4'])
    await following.untilTold('1', '2', '3', '4')
  })

  it('waits for a log that is not there yet, and says so', async () => {
    using scratch = new Scratch()
    using following = new Following(scratch, 'files')
    await eventually(() => following.stderr).toMatch(/^There is no log of “files”.* Waiting for one\.\n$/)
    writeLog(scratch, 'server.log', ['1'])
    await following.untilTold('1')
  })
})

describe('what servers print', () => {
  const printing = `
    process.stdout.write('Ready to serve.\\n')
    process.stderr.write('\\u001b[31mkey ' + process.env.API_KEY + ' in ' + process.env.NODE_ENV + '\\u001b[0m\\n')
    setInterval(() => undefined, 1000)
    process.stdin.on('end', () => process.exit())
    process.stdin.resume()`

  it('is in the log of the server, without its secrets, and followed while the app runs', async () => {
    const env = { API_KEY: 'a-secret-key', NODE_ENV: 'production' }
    const servers = {
      printing: { command: process.execPath, args: ['-e', printing], env },
      echo: toServerEntry('echo.ts'),
    }
    app = await startHeadless({ config: { servers } })
    const file = path.join(app.dataDir, 'logs/printing/server.log')
    const read = (): string[] => readFileSync(file, 'utf8').trimEnd().split('\n').toSorted()
    await eventually(() => statSync(file, { throwIfNoEntry: false })?.size ?? 0).toBeGreaterThan(100)
    const time = String.raw`\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]`
    expect(read()).toEqual([
      expect.stringMatching(new RegExp(String.raw`^${time} \[STD`)),
      expect.stringMatching(new RegExp(String.raw`^${time} \[STD`)),
    ])
    const { stdout } = await runPatchbay(['logs', 'printing', '--data-dir', app.dataDir], app)
    expect(stdout).toMatch(/\[STDOUT\] Ready to serve\.\n/)
    expect(stdout).toMatch(/\[STDERR\] key ••• in production\n/)
    using following = new Following(app, 'echo', '--stream', 'stderr')
    const client = app.openShim()
    await client.initialize()
    await waitForTool(client, 'echo__stderr')
    await client.callText('echo__stderr', { text: 'hello from the tool' })
    await eventually(() => following.stdout).toMatch(/^\S+ \[STDERR\] hello from the tool\n$/)
    expect([modeOf(file), modeOf(path.dirname(file))]).toEqual(['600', '700'])
  })

  it('is cut where a line has no end, with no half of a secret, and no line of a private key', async () => {
    const script = `
      const half = '0'.repeat(64 * 1024 - 10)
      console.error(half + process.env.API_KEY + 'z'.repeat(100_000))
      console.error('{"password":"leak-json"} at postgres://me:leak@url@db\\n-----BEGIN PRIVATE KEY-----\\nleakpem\\n' +
        '-----END PRIVATE KEY-----\\nlast')
      process.stdin.on('end', () => process.exit()).resume()`
    const env = { API_KEY: 'leak-of-the-own-key' }
    app = await startHeadless({
      config: { servers: { long: { command: process.execPath, args: ['-e', script], env } } },
    })
    const file = path.join(app.dataDir, 'logs/long/server.log')
    const read = (): string => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : '')
    await eventually(read).toMatch(/ last\n/)
    const [first, second] = read().split('\n')
    expect(first).toMatch(/^\S+ \[STDERR\] 0{60000,}(?:•••)?z*…$/)
    expect(second).toMatch(/ \{"password":"•••"\} at postgres:\/\/•••@db$/)
    expect(read()).not.toContain('leak')
  })

  it('is kept of a server that ends at once, and of each of its lives', async () => {
    const script = `console.error('dying of ' + process.pid); process.exit(3)`
    const restart = { max: 2, delayMs: 10, jitter: false }
    const servers = { dying: { command: process.execPath, args: ['-e', script], restart } }
    app = await startHeadless({ config: { servers } })
    const { dataDir } = app
    const read = async (): Promise<string> =>
      (await runPatchbay(['logs', 'dying', '--data-dir', dataDir], app!)).stdout
    await eventually(async () => (await read()).match(/dying of \d+/g)?.length).toBeGreaterThanOrEqual(2)
  })

  it('is rotated by the size that the configuration says', async () => {
    const config = { logs: { maxBytes: 4096, keepDays: 1 }, servers: { echo: toServerEntry('echo.ts') } }
    app = await startHeadless({ config })
    const client = app.openShim()
    await client.initialize()
    await waitForTool(client, 'echo__stderr')
    for (let i = 0; i < 20; i++) await client.callText('echo__stderr', { text: `${i} ${'x'.repeat(500)}` })
    const { dataDir } = app
    const read = async (): Promise<string[]> => {
      const { stdout } = await runPatchbay(['logs', 'echo', '--data-dir', dataDir], app!)
      return [...stdout.matchAll(/\] (\d+) x{500}$/gm)].map((match) => match[1]!)
    }
    await eventually(read).toEqual(Array.from({ length: 20 }, (...[, i]) => String(i)))
    expect(statSync(path.join(dataDir, 'logs/echo/server.log')).size).toBeLessThanOrEqual(4096)
  })
})

function modeOf(place: string): string {
  return (statSync(place).mode & 0o777).toString(8)
}
