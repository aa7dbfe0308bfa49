// The end of a test of access: whatever was tried, the token came back to nobody.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import type { RawHttp } from '../clients/raw-http.ts'
import type { Headless } from './headless.ts'

/** Ends the app; fails when its token is in anything that it sent or logged. */
export async function endWithoutLeak(app: Headless, http: RawHttp): Promise<void> {
  http.destroy()
  const { token, stderr } = app
  const log = readFileSync(path.join(app.dataDir, 'logs/app.log'), 'utf8')
  await app.dispose()
  expect(http.received.length).toBeGreaterThan(200)
  for (const text of [http.received, log, stderr]) expect(text).not.toContain(token)
}
