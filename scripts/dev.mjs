// `npm run dev`: runs the core like `npm start`, and builds and starts it again whenever a source changes.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const start = path.join(root, 'scripts', 'start.mjs')

/** @type {import('node:child_process').ChildProcess | undefined} */
let child
let isChanged = false

function run() {
  isChanged = false
  child = spawn(process.execPath, [start, ...process.argv.slice(2)], { stdio: 'inherit' })
  child.on('exit', (code) => {
    child = undefined
    if (isChanged) run()
    else console.error(`Stopped (${code ?? 'by a signal'}); it starts again when a source changes.`)
  })
}

for (const folder of ['src-main', 'src-shim']) {
  watch(path.join(root, folder), { recursive: true }, (event, file) => {
    if (file === null || !file.endsWith('.ts') || file.endsWith('.test.ts') || isChanged) return
    console.error(`${event}: ${path.join(folder, file)}`)
    isChanged = true
    if (child === undefined) run()
    else child.kill('SIGTERM')
  })
}
process.on('SIGINT', () => process.exit(0))
run()
