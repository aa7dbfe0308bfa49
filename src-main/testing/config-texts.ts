// Configurations as text, and what reading them gives.
import type { Config } from '../core/config/config.ts'
import { parseConfig, toProblemText, type ConfigResult } from '../core/config/read-config.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** What is wrong, as a person is told. */
export function textsOf(result: ConfigResult): readonly string[] {
  return result.ok ? [] : result.problems.map(toProblemText)
}

/** The configuration; throws with what is wrong. */
export function configOf(result: ConfigResult): Config {
  if (!result.ok) throw new Error(textsOf(result).join('\n'))
  return result.config
}

/** The codes of what is wrong. */
export function codesOf(result: ConfigResult): readonly string[] {
  return result.ok ? [] : result.problems.map(({ code }) => code)
}

/** Reads a text as `/base/c.yaml`. */
export function yaml(text: string, env: Variables = {}): ConfigResult {
  return parseConfig(text, '/base/c.yaml', env)
}

/** Reads a text as `/base/c.json`. */
export function json(text: string, env: Variables = {}): ConfigResult {
  return parseConfig(text, '/base/c.json', env)
}

/** Reads a text as `/base/c.toml`. */
export function toml(text: string, env: Variables = {}): ConfigResult {
  return parseConfig(text, '/base/c.toml', env)
}

/** What is wrong with a YAML configuration whose only server, on line 3, is this. */
export function textsOfServer(server: string, env: Variables = {}): readonly string[] {
  return textsOf(yaml(`version: 1\nservers:\n  s: ${server}\n`, env))
}

/** What a server has when only its command is given. */
export const serverDefaults = {
  enabled: true,
  isolation: 'auto',
  start: 'eager',
  startDelayMs: 0,
  idleStopSeconds: 0,
  health: {
    enabled: true,
    intervalSeconds: 30,
    timeoutSeconds: 5,
    attempts: 3,
    retryIntervalSeconds: 10,
    threshold: 1,
  },
  restart: { enabled: true, max: 5, windowSeconds: 300, delayMs: 1000, maxDelayMs: 30_000, jitter: true },
  timeouts: { connectSeconds: 60, requestSeconds: 600, resetOnProgress: true },
  tools: { disabled: [] },
}
