import { createLogger, type LogEntry, type Logger } from '#core/observe/logger.ts'

/** A log that writes nothing and remembers every line. */
export interface LogRecorder {
  readonly logger: Logger
  readonly entries: readonly LogEntry[]
}

export function createLogRecorder(): LogRecorder {
  const entries: LogEntry[] = []
  return { logger: createLogger([(entry) => entries.push(entry)]), entries }
}
