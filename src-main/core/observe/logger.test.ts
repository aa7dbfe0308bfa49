import { describe, expect, it } from 'vitest'
import { atLeast, createLogger, logLevels, redacted, toLogJson, toLogText, type LogEntry } from './logger.ts'

const entry: LogEntry = {
  time: '2026-11-20T10:00:00.000Z',
  level: 'warning',
  message: 'It is slow.',
  fields: { server: 'files', ms: 5, late: true, reason: null },
}

function record() {
  const entries: LogEntry[] = []
  return { entries, sink: (one: LogEntry) => entries.push(one) }
}

describe('createLogger', () => {
  it('hands a line of every level to every sink, with the time in UTC', () => {
    const [one, two] = [record(), record()]
    const logger = createLogger([one.sink, two.sink])
    for (const level of logLevels) {
      logger[level](`A ${level}.`)
      logger[level](`B ${level}.`, { level: 1 })
    }
    expect(one.entries.map(({ level, message }) => `${level} ${message}`)).toEqual(
      logLevels.flatMap((level) => [`${level} A ${level}.`, `${level} B ${level}.`]),
    )
    expect(one.entries[0]?.fields).toEqual({})
    expect(one.entries[1]?.fields).toEqual({ level: 1 })
    expect(one.entries[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(two.entries).toEqual(one.entries)
  })

  it('adds the fields that all its lines carry, under those of the line', () => {
    const { entries, sink } = record()
    const logger = createLogger([sink], { server: 'files', pid: 1 })
    logger.with({ pid: 2, client: 'zed' }).info('x', { client: 'cursor' })
    logger.info('y')
    expect(entries.map(({ fields }) => fields)).toEqual([
      { server: 'files', pid: 2, client: 'cursor' },
      { server: 'files', pid: 1 },
    ])
  })
})

describe('atLeast', () => {
  it('lets only lines of its level and above through', () => {
    const { entries, sink } = record()
    const logger = createLogger([atLeast('warning', sink)])
    for (const level of logLevels) logger[level](level)
    expect(entries.map(({ level }) => level)).toEqual(['warning', 'error'])
  })
})

describe('redacted', () => {
  it('changes message and texts, and nothing else', () => {
    const { entries, sink } = record()
    const changing = redacted((text) => text.replaceAll('secret', '•••'), sink)
    changing({ ...entry, message: 'a secret', fields: { text: 'secret', ms: 5, reason: null } })
    expect(entries).toEqual([{ ...entry, message: 'a •••', fields: { text: '•••', ms: 5, reason: null } }])
  })
})

describe('toLogText', () => {
  it('is one line for people with all facts', () => {
    expect(toLogText(entry)).toBe(
      '2026-11-20T10:00:00.000Z warning It is slow. server=files ms=5 late=true reason=null',
    )
  })

  it('lets no value forge a second line or move the cursor', () => {
    const text = toLogText({ ...entry, message: 'a\r\nb', fields: { x: '\u001b[2J\u2028\u0085' } })
    expect(text).toBe('2026-11-20T10:00:00.000Z warning a\ufffd\ufffdb x=\ufffd[2J\ufffd\ufffd')
    expect(toLogText({ ...entry, message: 'a\u202eb\u200bc', fields: {} })).toMatch(/ a\ufffdb\ufffdc$/)
  })
})

describe('toLogJson', () => {
  it('is one line of JSON with the facts beside the message', () => {
    const text = toLogJson({ ...entry, message: 'a\nb' })
    expect(text).not.toContain('\n')
    expect(JSON.parse(text)).toEqual({
      time: '2026-11-20T10:00:00.000Z',
      level: 'warning',
      message: 'a\nb',
      server: 'files',
      ms: 5,
      late: true,
      reason: null,
    })
  })
})
