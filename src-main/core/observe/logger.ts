import { replaceControls } from '#base/plain-text.ts'

/** How much a log line matters, least first. */
export const logLevels = ['debug', 'info', 'warning', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Facts that go with a log line. Never a secret, never a payload. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>

/** One line of our own log. */
export interface LogEntry {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** Where log lines go. */
export type LogSink = (entry: LogEntry) => void

/** Our own log: a sentence and its facts. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, with fields that every line of it carries. */
  with(fields: LogFields): Logger
}

/** A logger that hands every line to every sink. */
export function createLogger(sinks: readonly LogSink[], always: LogFields = {}): Logger {
  const write = (level: LogLevel, message: string, fields: LogFields): void => {
    const entry = { time: new Date().toISOString(), level, message, fields: { ...always, ...fields } }
    for (const sink of sinks) sink(entry)
  }
  return {
    debug: (message, fields = {}) => {
      write('debug', message, fields)
    },
    info: (message, fields = {}) => {
      write('info', message, fields)
    },
    warning: (message, fields = {}) => {
      write('warning', message, fields)
    },
    error: (message, fields = {}) => {
      write('error', message, fields)
    },
    with: (fields) => createLogger(sinks, { ...always, ...fields }),
  }
}

/** A sink that lets only lines of a level and above through. */
export function atLeast(level: LogLevel, sink: LogSink): LogSink {
  const least = logLevels.indexOf(level)
  return (entry) => {
    if (logLevels.indexOf(entry.level) >= least) sink(entry)
  }
}

/** A sink that gets message and texts as `redact` leaves them. */
export function redacted(redact: (text: string) => string, sink: LogSink): LogSink {
  return (entry) => {
    const fields = Object.entries(entry.fields).map(([key, value]) => {
      return [key, typeof value === 'string' ? redact(value) : value] as const
    })
    sink({ ...entry, message: redact(entry.message), fields: Object.fromEntries(fields) })
  }
}

/** A log line for people, without a line end. */
export function toLogText({ time, level, message, fields }: LogEntry): string {
  const facts = Object.entries(fields).map(([key, value]) => ` ${key}=${quote(clean(String(value)))}`)
  return `${time} ${level} ${clean(message)}${facts.join('')}`
}

function clean(text: string): string {
  return replaceControls(text, '\ufffd')
}

/** In quotes where it would not be plain where it ends. */
function quote(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}

/** A log line for programs: JSON, without a line end. */
export function toLogJson({ time, level, message, fields }: LogEntry): string {
  return JSON.stringify({ time, level, message, ...fields })
}
