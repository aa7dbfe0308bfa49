import type { Host } from '#core/host.ts'

/** A host with a data folder of the test's own and this process's environment, but for the start-up files of its shell. */
export function createFakeHost(dataFolder: string, changes: Partial<Host> = {}): Host {
  const env = { ...process.env, SHELL: '/bin/sh', HOME: '/nonexistent' }
  return { dataFolder, platform: process.platform, env, appVersion: '0.0.0-test', ...changes }
}
