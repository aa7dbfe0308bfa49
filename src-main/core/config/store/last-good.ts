import { readRegularFile } from '#base/read-regular-file.ts'
import { writeFileAtomically } from '#base/write-atomically.ts'
import type { GoodResult } from './held-file.ts'
import { longestConfig, parseConfigBytes } from '../read-config.ts'
import type { Environment } from '../substitute.ts'

/** Where the last good copy of a configuration lies: beside it. */
export function toLastGoodFile(file: string): string {
  return `${file}.bak`
}

/** The last good copy of a configuration, if there is one that still is good. */
export async function readLastGood(file: string, env: Environment): Promise<GoodResult | undefined> {
  const bytes = await findBytes(toLastGoodFile(file))
  if (bytes === undefined) return undefined
  // Read as the file it is a copy of: by that go its format and its paths.
  const result = parseConfigBytes(bytes, file, env)
  return result.ok ? result : undefined
}

/** Keeps the bytes of a good configuration, unless the copy holds them already. Rejects with the file system's error. */
export async function writeLastGood(file: string, bytes: Buffer): Promise<void> {
  const copy = toLastGoodFile(file)
  if ((await findBytes(copy))?.equals(bytes) === true) return
  await writeFileAtomically(copy, bytes)
}

async function findBytes(file: string): Promise<Buffer | undefined> {
  return readRegularFile(file, longestConfig).catch(() => undefined)
}
