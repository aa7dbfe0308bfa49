// `npm start`: builds what is stale and runs the app. Until the desktop comes, that is the headless core.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
process.argv.push('--stale')
await import('./build.mjs')

console.error('The desktop app is not built yet: running headless. Stop with Ctrl+C.')
void existsSync
void spawn
void root
