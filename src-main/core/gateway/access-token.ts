import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writePrivateFile } from './private-files.ts'

/** Reads the local access token, or makes one when there is none: it survives restarts, since HTTP editors store it. */
export async function readAccessToken(dataFolder: string): Promise<string> {
  const file = path.join(dataFolder, 'access-token')
  try {
    const token = (await readFile(file, 'utf8')).trim()
    if (/^[A-Za-z0-9_-]{32,}$/.test(token)) return token
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const token = randomBytes(32).toString('base64url')
  await writePrivateFile(file, `${token}\n`)
  return token
}

/** Whether two tokens are the same, in a time that does not tell where they differ. */
export function isSameToken(given: string, wanted: string): boolean {
  const toDigest = (token: string): Buffer => createHash('sha256').update(token).digest()
  return timingSafeEqual(toDigest(given), toDigest(wanted))
}
