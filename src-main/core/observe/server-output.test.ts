import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { toRotatedPath, toServerLog } from './log-files/log-names.ts'
import { ServerOutputs, type ServerOutput } from './server-output.ts'

const settings = { maxBytes: 10 * 2 ** 20, keepDays: 2 }

async function openOutputs() {
  const folder = path.join(await makeScratchFolder(), 'logs')
  const { logger, entries } = createLogRecorder()
  const outputs = new ServerOutputs({ folder, settings, logger })
  onTestFinished(() => outputs.close())
  const file = path.join(folder, 'files', 'server.log')
  return { folder, outputs, entries, file, read: () => readFileSync(file, 'utf8') }
}

function addAll(output: ServerOutput, lines: readonly string[]): void {
  for (const line of lines) output.add('stdout', Buffer.from(line))
}

const dropped = /^\[[^\]]+\] \[STDERR\] (\d+) lines \((\d+\.\d) MiB\) dropped: the server prints too much\.$/

describe('ServerOutputs', () => {
  it('keeps lines with time and stream in the log of the server and in memory', async () => {
    const { outputs, read, file } = await openOutputs()
    const output = outputs.get('files', {})
    expect(existsSync(file)).toBe(false)
    const before = new Date().toISOString()
    output.add('stdout', Buffer.from('{"not":"json-rpc"}'))
    output.add('stderr', Buffer.from('\u001b[31mBoom\u001b[0m\r: ä'))
    const after = new Date().toISOString()
    await outputs.close()
    const lines = read().split('\n')
    expect(lines.map((line) => line.slice(26))).toEqual([
      ' [STDOUT] {"not":"json-rpc"}',
      ' [STDERR] Boom\ufffd: ä',
      '',
    ])
    expect(lines[0]).toMatch(/^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]/)
    expect(output.recent.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', '{"not":"json-rpc"}'],
      ['stderr', 'Boom\ufffd: ä'],
    ])
    for (const { time } of output.recent) expect(time >= before && time <= after).toBe(true)
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
  })

  it('masks the secrets of the server as it is now, and tokens of anybody', async () => {
    const { outputs, read } = await openOutputs()
    const output = outputs.get('files', { API_KEY: 'old-secret', NODE_ENV: 'production' })
    addAll(output, [`old-secret in production, ghp_${'a1'.repeat(18)}`])
    expect(outputs.get('files', { API_KEY: 'new-secret' })).toBe(output)
    addAll(output, ['new-secret'])
    await outputs.close()
    expect(read()).toMatch(/ ••• in production, •••\n.* •••\n$/)
    expect(JSON.stringify(output.recent)).not.toMatch(/secret|ghp_/)
  })

  it('masks secrets of arguments and inherited ones, and private keys over several lines of a stream', async () => {
    const { outputs, read } = await openOutputs()
    const sources = { args: ['--api-key', 'hunter2-arg'], inherited: { OPENAI_API_KEY: 'hunter2-inherited' } }
    const output = outputs.get('files', {}, sources)
    addAll(output, ['ARGS: --api-key hunter2-arg', 'INH: hunter2-inherited', '{"password":"hunter2"}'])
    addAll(output, ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEpLEAK'])
    output.add('stderr', Buffer.from('of the other stream'))
    addAll(output, ['bWlpTEVBSw==', '-----END RSA PRIVATE KEY-----', 'after'])
    await outputs.close()
    const lines = read().trimEnd().split('\n')
    expect(lines.map((line) => line.slice(36))).toEqual([
      ...['ARGS: --api-key •••', 'INH: •••', '{"password":"•••"}'],
      ...['•••', '•••', 'of the other stream', '•••', '•••', 'after'],
    ])
  })

  it('keeps servers apart', async () => {
    const { outputs, folder } = await openOutputs()
    addAll(outputs.get('files', {}), ['one'])
    addAll(outputs.get('docs', {}), ['two'])
    await outputs.close()
    expect(readdirSync(folder).toSorted()).toEqual(['docs', 'files'])
    expect(readFileSync(path.join(folder, 'docs/server.log'), 'utf8')).toMatch(/two\n$/)
  })

  it('refuses a name that would lead elsewhere', async () => {
    const { outputs } = await openOutputs()
    expect(() => outputs.get('../files', {})).toThrow(RangeError)
  })

  it('takes on other settings for logs that are open and for later ones', async () => {
    const { outputs, folder } = await openOutputs()
    const output = outputs.get('files', {})
    outputs.apply({ maxBytes: 100, keepDays: 2 })
    const lines = Array.from({ length: 10 }, () => 'x'.repeat(50))
    addAll(output, lines)
    addAll(outputs.get('docs', {}), lines)
    await outputs.close()
    for (const name of ['files', 'docs']) expect(readdirSync(path.join(folder, name))).toHaveLength(10)
  })

  it('says which server it cannot keep the output of, and goes on in memory', async () => {
    const { outputs, folder, entries } = await openOutputs()
    await mkdir(folder)
    await writeFile(path.join(folder, 'files'), '')
    const output = outputs.get('files', {})
    addAll(output, ['one'])
    await vi.waitFor(() => {
      expect(entries.map(({ fields }) => fields)).toContainEqual({ server: 'files' })
    }, patience)
    expect(output.recent).toHaveLength(1)
  })

  it('says how many lines the disk did not take', async () => {
    const { outputs, read, file } = await openOutputs()
    const output = outputs.get('files', {})
    // More than can wait, before anything can be written.
    addAll(
      output,
      Array.from({ length: 100 }, () => 'x'.repeat(60_000)),
    )
    await outputs.close()
    expect(existsSync(file)).toBe(true)
    expect(read().split('\n')[0]).toMatch(
      /^\[[^\]]+\] \[STDERR\] \d\d lines lost: the disk did not take them\.$/,
    )
  })
})

describe('ServerOutputs, old files', () => {
  it('of servers that print nothing now go at once, when settings change, and every hour', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const folder = await makeScratchFolder()
    const makeOld = async (days: number): Promise<string> => {
      const file = toServerLog(folder, 'gone')
      await mkdir(path.dirname(file), { recursive: true })
      const place = toRotatedPath(file, new Date(Date.now() - days * 86_400_000), 0)
      await writeFile(place, '')
      return place
    }
    const untilGone = (place: string): Promise<void> =>
      vi.waitFor(() => {
        expect(existsSync(place)).toBe(false)
      }, patience)
    const [old, young] = [await makeOld(3), await makeOld(1.5)]
    await writeFile(path.join(folder, 'app.log'), '')
    const outputs = new ServerOutputs({ folder, settings, logger: createLogRecorder().logger })
    onTestFinished(() => outputs.close())
    await untilGone(old)
    expect(existsSync(young)).toBe(true)
    outputs.apply({ ...settings, keepDays: 1 })
    await untilGone(young)
    const late = await makeOld(1.5)
    vi.advanceTimersByTime(3_600_000)
    await untilGone(late)
    expect(readdirSync(folder)).toEqual(['app.log', 'gone'])
  })
})

describe('ServerOutput, recent lines', () => {
  it('are the last 1,000', async () => {
    const { outputs } = await openOutputs()
    const output = outputs.get('files', {})
    addAll(
      output,
      Array.from({ length: 1500 }, (...[, i]) => `line ${i}`),
    )
    expect(output.recent).toHaveLength(1000)
    expect(output.recent[0]?.text).toBe('line 500')
  })

  it('have at most 1 MiB', async () => {
    const { outputs } = await openOutputs()
    const output = outputs.get('files', {})
    addAll(
      output,
      Array.from({ length: 40 }, () => 'x'.repeat(60_000)),
    )
    expect(output.recent).toHaveLength(17)
  })
})

describe('ServerOutput, a flood', () => {
  it('of 200 MB costs little: what is over is dropped, counted and told', { timeout: 60_000 }, async () => {
    const { outputs, file } = await openOutputs()
    const output = outputs.get('files', { API_KEY: 'secret-key' })
    const line = Buffer.from('f'.repeat(99))
    const start = process.cpuUsage()
    const startedAt = performance.now()
    for (let i = 0; i < 2_000_000; i++) output.add('stderr', line)
    const { user, system } = process.cpuUsage(start)
    const seconds = (performance.now() - startedAt) / 1000
    expect((user + system) / 1e6).toBeLessThan(5)
    await outputs.close()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(readdirSync(path.dirname(file))).toEqual(['server.log'])
    // Before the flood ends nothing can be written: the queue loses some of the burst.
    const told = lines.map((text) => dropped.exec(text)).filter((match) => match !== null)
    const count = told.reduce((sum, match) => sum + Number(match[1]), 0)
    expect(count).toBeGreaterThan(2_000_000 - ((8 + seconds + 1) * 2 ** 20) / 139)
    expect(Number(told[0]?.[2])).toBeGreaterThan(50)
    expect(told.length).toBeLessThanOrEqual(seconds + 1)
    expect(statSync(file).size).toBeLessThan(9 * 2 ** 20)
  })

  it('is told when it calms, without a further line', { timeout: 20_000 }, async () => {
    const { outputs, read, file } = await openOutputs()
    const output = outputs.get('files', {})
    const line = Buffer.from('f'.repeat(60_000))
    for (let i = 0; i < 200; i++) output.add('stdout', line)
    await vi.waitFor(() => {
      expect(existsSync(file) && read()).toMatch(/dropped: the server prints too much\.\n$/)
    }, patience)
    expect(output.recent.at(-1)?.text).toMatch(/^\d\d lines \(\d\.\d MiB\) dropped/)
  })

  it('is told before the line that passes after it', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { outputs } = await openOutputs()
    const output = outputs.get('files', {})
    const line = Buffer.from('f'.repeat(60_000))
    for (let i = 0; i < 200; i++) output.add('stdout', line)
    vi.advanceTimersByTime(1100)
    addAll(output, ['after it'])
    vi.advanceTimersByTime(10_000)
    expect(output.recent.slice(-2).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^61 lines \(3\.5 MiB\) dropped/),
      'after it',
    ])
    vi.useRealTimers()
  })
})
