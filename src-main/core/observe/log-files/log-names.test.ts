import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { isServerName, readRotatedFiles, toRotatedPath, toServerLog } from './log-names.ts'

describe('isServerName', () => {
  it.each(['files', 'A', '0-x', 'a'.repeat(31)])('%s: yes', (name) => {
    expect(isServerName(name)).toBe(true)
  })

  it.each(['', '-a', '.', '..', '../x', 'a/b', 'a\\b', 'a.b', 'a b', 'a\n', 'ä', 'a'.repeat(32)])(
    '%j: no, and never part of a path',
    (name) => {
      expect(isServerName(name)).toBe(false)
      expect(() => toServerLog('/logs', name)).toThrow(RangeError)
    },
  )
})

describe('toServerLog', () => {
  it('is server.log in a folder of the server', () => {
    expect(toServerLog('/logs', 'files')).toBe(path.join('/logs', 'files', 'server.log'))
  })
})

describe('rotated files', () => {
  it('have the time in their names', () => {
    const time = new Date(Date.UTC(2026, 10, 20, 10))
    expect(toRotatedPath('/logs/app.log', time, 0)).toBe('/logs/app.20261120T100000.000Z.log')
    expect(toRotatedPath('/logs/app.log', time, 2)).toBe('/logs/app.20261120T100000.000Z-2.log')
  })

  it('are found by their names, oldest first; nothing else is', async () => {
    const folder = await makeScratchFolder()
    const names = [
      'app.20251120T100000.000Z.log',
      'app.20261120T100000.000Z.log',
      'app.20261120T100000.000Z-2.log',
      'app.20261120T100000.000Z-10.log',
      'app.20261120T100000.5Z.log',
      'app.20261120T100001Z.log',
    ]
    const others = ['app.log', 'app.x.log', 'apps.20261120T100000.000Z.log', 'app.20269920T100000.000Z.log']
    for (const name of [...names, ...others].toReversed()) await writeFile(path.join(folder, name), '')
    await mkdir(path.join(folder, 'app'))
    const found = await readRotatedFiles(path.join(folder, 'app.log'))
    expect(found.map((file) => path.basename(file.path))).toEqual(names)
    expect(found[1]?.rotatedAt).toBe(Date.UTC(2026, 10, 20, 10))
  })
})
