import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogRecorder } from '../../testing/log-recorder.ts'
import { patience } from '../../testing/patience.ts'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import { AccessToken, readAccessToken, renewAccessToken, toTokenFile } from './access-token.ts'
import { watchAccessToken } from './watch-token.ts'

async function watch() {
  const dataFolder = await makeScratchFolder()
  const token = new AccessToken(await readAccessToken(dataFolder))
  const { logger, entries } = createLogRecorder()
  const renewed: string[] = []
  const end = watchAccessToken({
    dataFolder,
    token,
    logger,
    onRenewed: () => {
      renewed.push(token.value)
      return Promise.resolve()
    },
    timing: { pollMs: 50, settleMs: 10, gapMs: 30 },
  })
  onTestFinished(end)
  return { dataFolder, file: toTokenFile(dataFolder), token, entries, renewed }
}

describe('a watch over the access token', { timeout: 20_000 }, () => {
  it('goes over to the one that is written', async () => {
    const { dataFolder, token, renewed, entries } = await watch()
    const next = await renewAccessToken(dataFolder)
    await vi.waitFor(() => {
      expect(renewed).toEqual([next])
    }, patience)
    expect(token.isSame(next)).toBe(true)
    expect(JSON.stringify(entries)).not.toContain(next)
  })

  it.each([
    ['is gone', (file: string) => rm(file)],
    ['holds something else', (file: string) => writeFile(file, 'no token')],
    ['holds far too much', (file: string) => writeFile(file, 'x'.repeat(5000))],
  ])('writes it again when the file %s', async (...[, spoil]) => {
    const { file, token, renewed } = await watch()
    await spoil(file)
    await vi.waitFor(async () => {
      expect((await readFile(file, 'utf8')).trim()).toBe(token.value)
    }, patience)
    expect(renewed).toEqual([])
  })

  it('keeps to it, and says so, when there can be no file', async () => {
    const { file, token, entries } = await watch()
    const before = token.value
    await rm(file)
    await mkdir(file)
    await vi.waitFor(() => {
      expect(entries.at(-1)).toMatchObject({ level: 'error', fields: { file } })
    }, patience)
    expect(token.value).toBe(before)
  })
})
