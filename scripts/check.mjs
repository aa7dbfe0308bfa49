// All static gates and unit tests, quickest first.
import { gates, runSteps } from './gates.mjs'

const { failed } = await runSteps(gates)
process.exitCode = failed === 0 ? 0 : 1
