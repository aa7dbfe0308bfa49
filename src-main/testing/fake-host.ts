import type { Host } from '#core/host.ts'

/** A host with a data folder of the test's own and this process's environment. */
export function createFakeHost(dataFolder: string, changes: Partial<Host> = {}): Host {
  return { dataFolder, platform: process.platform, env: process.env, appVersion: '0.0.0-test', ...changes }
}
