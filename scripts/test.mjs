// Everything that CI runs. Last line alone: `N passed, N failed`.
import { gates, runSteps } from './gates.mjs'

const { passed, failed } = await runSteps([
  ...gates,
  { name: 'build', command: 'node', args: ['scripts/build.mjs'] },
  // The journeys, and those of them that need no shim over HTTP and over HTTP+SSE.
  { name: 'journeys', command: 'vitest', args: ['run', '--project', 'journeys*'], counted: true },
])
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
console.log(`\n${passed} passed, ${failed} failed`)
