// The static gates and unit tests, quickest first, and how a step is run. `npm run check` and `npm test` share them.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** @typedef {{ name: string, command: string, args: string[], counted?: boolean }} Step */
/** @typedef {{ passed: number, failed: number }} Tally */

const layers = ['src-main/contract', 'src-main', 'src-shim', 'e2e', 'bench', 'scripts']

/** @type {Step[]} */
export const gates = [
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  {
    name: 'boundaries',
    command: 'depcruise',
    args: ['--config', '.dependency-cruiser.cjs', 'src-main', 'src-shim', 'e2e', 'bench'],
  },
  ...layers.map((layer) => ({ name: `types: ${layer}`, command: 'tsc', args: ['-p', layer] })),
  { name: 'unused code', command: 'knip', args: ['--treat-config-hints-as-errors'] },
  { name: 'lint', command: 'eslint', args: ['--max-warnings', '0', '.'] },
  {
    name: 'unit tests and coverage',
    command: 'vitest',
    args: ['run', '--project', 'unit', '--coverage'],
    counted: true,
  },
]

/**
 * Runs a command from node_modules/.bin; its output goes to ours.
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<boolean>} whether it exited with 0
 */
function run(command, args) {
  const bin = path.resolve(import.meta.dirname, '../node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` }
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error.message)
      resolve(false)
    })
    child.on('exit', (code) => {
      resolve(code === 0)
    })
  })
}

/**
 * Runs one step. A counted step is a vitest run whose tests are counted one by one; any other counts as one.
 * @param {Step} step
 * @returns {Promise<Tally>}
 */
async function runStep(step) {
  if (step.counted !== true)
    return (await run(step.command, step.args)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-tests-'))
  try {
    const file = path.join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${file}`]
    const ok = await run(step.command, [...step.args, ...reporters])
    const report = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))
    const passed = Number(report.numPassedTests ?? 0)
    const failed = Number(report.numFailedTests ?? 0)
    // A run may fail without a failed test: a suite that does not load, a coverage threshold.
    return { passed, failed: ok ? failed : Math.max(failed, 1) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Runs steps in order, all of them even when one fails, and tells the time that each took.
 * @param {Step[]} steps
 * @returns {Promise<Tally>}
 */
export async function runSteps(steps) {
  const total = { passed: 0, failed: 0 }
  for (const step of steps) {
    console.log(`\n=== ${step.name}`)
    const start = performance.now()
    const { passed, failed } = await runStep(step)
    total.passed += passed
    total.failed += failed
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${failed === 0 ? 'ok' : 'FAILED'}: ${step.name} (${seconds} s)`)
  }
  return total
}
