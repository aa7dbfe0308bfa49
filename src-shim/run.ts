import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { helloLimits, launchFile, parseLaunch, toDataFolder } from '../src-main/contract/rendezvous.ts'
import { connectToApp, type Attempt, type Target } from './connect.ts'
import { Relay } from './relay.ts'
import { startApp } from './start-app.ts'

const usage = `Joins stdin and stdout to the running Patchbay, which it starts when need be and waits for (60 s).
Options: --client NAME --profile NAME --server NAME --data-dir DIR --no-start --wait SECONDS --help`
const advice = ': open Patchbay, then restart this server in your editor.'
const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const
const names = { client: text, profile: text, server: text, 'data-dir': text, wait: text }
const options = { ...names, 'no-start': flag, help: flag }

interface Plan extends Target {
  readonly waitMs: number
  readonly mayStart: boolean
}

/** The shim: joins stdin and stdout to the running app until stdin ends. Resolves to the exit code; never rejects. */
export async function runShim(args: string[]): Promise<number> {
  const over = new AbortController()
  let plan: Plan | undefined
  try {
    plan = parsePlan(args, over.signal)
  } catch (error) {
    log(`${(error as Error).message}\n${usage}`)
    return 2
  }
  const { stdin: input, stdout: output } = process
  if (!plan) {
    output.write(`${usage}\n`)
    return 0
  }
  const onEnd = over.abort.bind(over, undefined)
  process.on('SIGTERM', onEnd).on('SIGINT', onEnd)
  process.stderr.on('error', () => undefined) // nobody reads our sentences: no reason to stop
  const relay = new Relay({ input, output, waitMs: plan.waitMs, log, onEnd })
  try {
    return await keepConnected(plan, relay)
  } catch (error) {
    if (over.signal.aborted) return 0
    log(`Patchbay's shim failed: ${String(error)}`)
    return 1
  } finally {
    onEnd()
    input.destroy()
    process.off('SIGTERM', onEnd).off('SIGINT', onEnd)
  }
}

/** Undefined when help is wanted. Throws an Error with a sentence on wrong usage. */
function parsePlan(args: string[], signal: AbortSignal): Plan | undefined {
  const { values } = parseArgs({ args, options })
  if (values.help) return undefined
  const { client = 'editor', profile = null, server = null, wait = '60' } = values
  if (!/^\d+(\.\d+)?$/.test(wait)) throw new Error(`--wait takes a number of seconds, not '${wait}'.`)
  const { platform, env, ppid } = process
  return {
    folder: path.resolve(toDataFolder(values['data-dir'], { platform, env, home: homedir() })),
    hello: { client: { name: client, pid: ppid, cwd: process.cwd() }, profile, server },
    signal,
    waitMs: Number(wait) * 1000,
    mayStart: !values['no-start'],
  }
}

/** Resolves to an exit code if the first connection cannot be had; rejects when the plan's signal is aborted. */
async function keepConnected(plan: Plan, relay: Relay): Promise<number> {
  let attempt = await reachFirst(plan, relay)
  if (!attempt.socket) {
    log(attempt.reason)
    return 1
  }
  for (let pause = 100; ; pause = attempt.socket ? 100 : Math.min(pause * 2, 1000)) {
    if (attempt.socket) await relay.join(attempt.socket)
    await sleep(pause, undefined, { signal: plan.signal })
    attempt = await connectToApp(plan, helloLimits.milliseconds)
    if (!attempt.socket) relay.absence = attempt.reason
  }
}

/** The first connection, or a whole sentence as the reason why there is none. */
async function reachFirst(plan: Plan, relay: Relay): Promise<Attempt> {
  const deadline = Date.now() + plan.waitMs
  let hadBadToken = false
  let findFailure: (() => string | undefined) | undefined
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    const left = Math.max(deadline - Date.now(), 500)
    const attempt = await connectToApp(plan, Math.min(left, helloLimits.milliseconds))
    const { socket, code, reason } = attempt
    if (socket || code?.startsWith('unknown') || (code === 'bad-token' && hadBadToken)) return attempt
    hadBadToken = code === 'bad-token' // the app may have been starting: it gets a second look
    if (!code && plan.mayStart && !relay.hasEnded) findFailure ??= await start(plan.folder)
    if (Date.now() >= deadline) {
      const reasons = [reason, findFailure?.()].filter(Boolean).join('; ')
      return { reason: `Patchbay could not be reached within ${plan.waitMs / 1000} s (${reasons})${advice}` }
    }
    await sleep(Math.min(pause, Math.max(deadline - Date.now(), 1)), undefined, { signal: plan.signal })
  }
}

/** Starts the app, if it can; returns what tells later why that will not help. */
async function start(folder: string): Promise<() => string | undefined> {
  try {
    const { spawn } = await import('node:child_process') // takes time, and mostly the app runs already
    return startApp(parseLaunch(readFileSync(path.join(folder, launchFile), 'utf8')), folder, spawn)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return () => (code === 'ENOENT' ? `no ${launchFile} in ${folder} tells how to start it` : message)
  }
}

function log(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}
