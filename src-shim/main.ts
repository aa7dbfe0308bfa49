#!/usr/bin/env node
import { runShim } from './run.ts'

process.exit(await runShim(process.argv.slice(2)))
