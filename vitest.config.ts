import { defineConfig } from 'vitest/config'

/** Journeys whose clients need no shim: they are run over HTTP as well (e2e/hosts/headless.ts, PATCHBAY_CARRIER). */
const overHttp = [
  'back-pressure',
  'calls',
  'concurrency',
  'demand',
  'fault-churn',
  'fault-crash-loop',
  'fault-deaf',
  'fault-flood',
  'fault-killed',
  'fault-output',
  'fidelity',
  'health',
  'lists',
  'logging',
  'names',
  'one-server',
  'promotion',
  'questions',
  'quickstart',
  'reload',
  'sdk-clients',
  'states',
  'subscriptions',
  'trouble',
  'unknown',
  'uris',
]

/** Those that show the old HTTP+SSE transport. */
const overSse = ['calls', 'lists', 'questions', 'quickstart', 'sdk-clients', 'subscriptions']

function toJourneys(name: string, carrier: string, specs: readonly string[]): object {
  return {
    test: {
      name,
      include: specs.map((spec) => `e2e/journeys/${spec}.spec.ts`),
      env: { PATCHBAY_CARRIER: carrier },
      testTimeout: 60_000,
      hookTimeout: 60_000,
      maxWorkers: 2,
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src-{main,shim}/**/*.test.ts'], maxWorkers: 3 } },
      toJourneys('journeys', 'shim', ['**/*']),
      toJourneys('journeys-http', 'http', overHttp),
      toJourneys('journeys-sse', 'sse', overSse),
    ],
    coverage: {
      provider: 'v8',
      include: ['src-main/{core,contract,base}/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { perFile: true, lines: 90 },
    },
  },
})
