/** Severities of log messages, least first (MCP, "Logging": the levels of RFC 5424). */
export const logLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const
export type LogLevel = (typeof logLevels)[number]

/** The level of a name, or undefined when there is none of that name. */
export function findLogLevel(name: string | undefined): LogLevel | undefined {
  return logLevels.find((level) => level === name)
}

/** The most verbose of some levels, or undefined when there are none. */
export function toMostVerbose(levels: readonly (LogLevel | undefined)[]): LogLevel | undefined {
  return logLevels.find((level) => levels.includes(level))
}

/**
 * Whether a message is for a client. One that never set a level gets what the server sends of itself, but nothing
 * below `info` that only another client asked for.
 */
export function isWanted(
  level: string | undefined,
  wanted: LogLevel | undefined,
  isRaised: boolean,
): boolean {
  const known = findLogLevel(level)
  const threshold = wanted ?? (isRaised ? 'info' : 'debug')
  return known === undefined || logLevels.indexOf(known) >= logLevels.indexOf(threshold)
}
