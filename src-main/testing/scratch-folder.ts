import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes a folder of the running test's own, which is gone when the test is over. */
export async function makeScratchFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
