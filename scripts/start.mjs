// `npm start`: builds what is stale and runs the app. Until the desktop comes, that is the headless core; without a
// configuration of the user's own it runs the quick start. Arguments after `--` go to `patchbay serve`.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { buildStale } from './build.mjs'

const root = path.resolve(import.meta.dirname, '..')
await buildStale()

console.error('The desktop app is not built yet: this is the same core without it. Stop with Ctrl+C.')
const quickstart = path.join(root, 'examples', 'quickstart.yaml')
const args = ['serve', '--config-if-none', quickstart, ...process.argv.slice(2)]
const child = spawn(process.execPath, [path.join(root, 'dist', 'cli', 'patchbay.mjs'), ...args], {
  stdio: 'inherit',
})
// Ctrl+C reaches the child by itself; what is sent to us alone is passed on.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => child.kill('SIGTERM'))
process.on('SIGHUP', () => child.kill('SIGTERM'))
// npm does not pass on what ends it: without a parent there is nobody left to run for.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM')
}, 500).unref()
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1)))
