import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src-{main,shim}/**/*.test.ts'], maxWorkers: 3 } },
      {
        test: {
          name: 'journeys',
          include: ['e2e/journeys/**/*.spec.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
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
