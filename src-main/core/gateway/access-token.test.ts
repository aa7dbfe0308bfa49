import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../testing/scratch-folder.ts'
import {
  AccessToken,
  isSameToken,
  keepAccessToken,
  readAccessToken,
  renewAccessToken,
} from './access-token.ts'

describe('readAccessToken', () => {
  it('makes a token once and keeps it, in a file that only this user can read', async () => {
    const folder = await makeScratchFolder()
    const token = await readAccessToken(folder)
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await readAccessToken(folder)).toBe(token)
    expect((await readFile(path.join(folder, 'access-token'), 'utf8')).trim()).toBe(token)
    expect((await stat(path.join(folder, 'access-token'))).mode & 0o777).toBe(0o600)
  })

  it('makes another for each data folder', async () => {
    const tokens = await Promise.all(
      [makeScratchFolder(), makeScratchFolder()].map(async (one) => readAccessToken(await one)),
    )
    expect(tokens[0]).not.toBe(tokens[1])
  })

  it.each(['', 'short', `${'x'.repeat(40)} y`])('replaces what can be no token: %j', async (text) => {
    const folder = await makeScratchFolder()
    await writeFile(path.join(folder, 'access-token'), text)
    const token = await readAccessToken(folder)
    expect(token).not.toBe(text)
    expect(await readAccessToken(folder)).toBe(token)
  })

  it('makes no other when the file is there but cannot be read', async () => {
    const folder = await makeScratchFolder()
    await mkdir(path.join(folder, 'access-token'))
    await expect(readAccessToken(folder)).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

describe('renewAccessToken', () => {
  it('makes another one, for good', async () => {
    const folder = await makeScratchFolder()
    const before = await readAccessToken(folder)
    const token = await renewAccessToken(folder)
    expect(token).not.toBe(before)
    expect(await readAccessToken(folder)).toBe(token)
    expect((await stat(path.join(folder, 'access-token'))).mode & 0o777).toBe(0o600)
  })
})

describe('keepAccessToken', () => {
  it('gives what is written, else writes the one that holds', async () => {
    const folder = await makeScratchFolder()
    const token = await readAccessToken(folder)
    expect(await keepAccessToken(folder, 'x'.repeat(43))).toBe(token)
    await writeFile(path.join(folder, 'access-token'), '')
    expect(await keepAccessToken(folder, 'x'.repeat(43))).toBe('x'.repeat(43))
    expect(await readAccessToken(folder)).toBe('x'.repeat(43))
  })
})

describe('AccessToken', () => {
  it('changes, and knows whether it did', () => {
    const token = new AccessToken('one')
    expect([token.change('one'), token.value]).toEqual([false, 'one'])
    expect([token.change('two'), token.value]).toEqual([true, 'two'])
    expect([token.isSame('one'), token.isSame('two')]).toEqual([false, true])
  })
})

describe('isSameToken', () => {
  it('compares tokens of any length', () => {
    expect(isSameToken('abc', 'abc')).toBe(true)
    expect(isSameToken('abc', 'abd')).toBe(false)
    expect(isSameToken('', 'abc')).toBe(false)
    expect(isSameToken('abcabc', 'abc')).toBe(false)
  })
})
