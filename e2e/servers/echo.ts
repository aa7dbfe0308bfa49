// The all-round test server: answers what it is told, and tells what it was told. Options: echo-options.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { readEchoOptions } from './echo-options.ts'
import { createEchoPlan } from './echo-plan.ts'
import { serveRaw } from './kit.ts'

const options = readEchoOptions()
if (options.exitAtStart !== undefined) process.exit(options.exitAtStart)
await delay(options.startDelayMs)
serveRaw(createEchoPlan(options))
