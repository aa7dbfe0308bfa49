import { chmod, chown, mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { findConfigFile } from './find-config-file.ts'

/** A scratch folder with `project/deep` and `data`, and files in it. */
async function makePlaces(...files: readonly string[]) {
  const folder = await realpath(await makeScratchFolder())
  await mkdir(path.join(folder, 'project/deep'), { recursive: true })
  await mkdir(path.join(folder, 'data'))
  const place = (name: string) => path.join(folder, name)
  for (const file of files) await writeFile(place(file), 'version: 1\n')
  return { place, usual: { dataFolder: place('data'), searchFrom: place('project/deep') } }
}

async function findThere(places: Parameters<typeof findConfigFile>[0]) {
  const { source, searched } = await findConfigFile(places)
  const there = searched.filter(({ outcome }) => outcome !== 'missing')
  return {
    file: source.file,
    chosenBy: source.chosenBy,
    there: there.map(({ file, outcome }) => [file, outcome]),
  }
}

describe('findConfigFile', () => {
  it('takes what --config names before all else, there or not', async () => {
    const { place, usual } = await makePlaces('project/patchbay.yaml', 'data/config.json')
    const option = place('other.yaml')
    expect(await findThere({ ...usual, option })).toEqual({
      file: option,
      chosenBy: 'option',
      there: [
        [place('project/patchbay.yaml'), 'hidden'],
        [place('data/config.json'), 'hidden'],
      ],
    })
    const relative = path.relative(process.cwd(), place('project/patchbay.yaml'))
    expect(await findThere({ ...usual, option: relative })).toMatchObject({
      file: place('project/patchbay.yaml'),
      chosenBy: 'option',
      there: [[place('project/patchbay.yaml'), 'used'], expect.anything()],
    })
  })

  it('takes the nearest folder, and within it the first name; others are hidden, nothing is merged', async () => {
    const { place, usual } = await makePlaces(
      'patchbay.yaml',
      'project/patchbay.toml',
      'project/patchbay.jsonc',
      'project/patchbay.json',
      'data/config.json',
    )
    expect(await findThere(usual)).toEqual({
      file: place('project/patchbay.json'),
      chosenBy: 'search',
      there: [
        [place('project/patchbay.json'), 'used'],
        [place('project/patchbay.jsonc'), 'hidden'],
        [place('project/patchbay.toml'), 'hidden'],
        [place('patchbay.yaml'), 'hidden'],
        [place('data/config.json'), 'hidden'],
      ],
    })
    await writeFile(place('project/deep/patchbay.yml'), '')
    await writeFile(place('project/deep/patchbay.yaml'), '')
    expect((await findThere(usual)).file).toBe(place('project/deep/patchbay.yaml'))
  })

  it('lists every place that it looked at, those without a file too', async () => {
    const { place, usual } = await makePlaces()
    const { searched } = await findConfigFile(usual)
    expect(searched.slice(0, 6).map(({ file, outcome }) => [file, outcome])).toEqual([
      ...['yaml', 'yml', 'json', 'jsonc', 'toml'].map((end) => [
        place(`project/deep/patchbay.${end}`),
        'missing',
      ]),
      [place('project/patchbay.yaml'), 'missing'],
    ])
    expect(searched.at(-1)).toEqual({ file: place('data/config.json'), outcome: 'missing' })
  })

  it('takes config.json in the data folder next, then the fallback, and else config.json to come', async () => {
    const { place, usual } = await makePlaces('quick.yaml')
    const ifNone = place('quick.yaml')
    const own = place('data/config.json')
    expect(await findThere({ ...usual, ifNone })).toEqual({
      file: ifNone,
      chosenBy: 'fallback',
      there: [[ifNone, 'used']],
    })
    expect(await findThere(usual)).toMatchObject({ file: own, chosenBy: 'data-folder' })
    await writeFile(own, '{}')
    expect(await findThere({ ...usual, ifNone })).toEqual({
      file: own,
      chosenBy: 'data-folder',
      there: [
        [own, 'used'],
        [ifNone, 'hidden'],
      ],
    })
  })

  it('searches nothing where it is not told from where', async () => {
    const { place } = await makePlaces('project/patchbay.yaml')
    const { source, searched } = await findConfigFile({ dataFolder: place('data') })
    expect(source.chosenBy).toBe('data-folder')
    expect(searched).toHaveLength(1)
  })

  it('takes no folder and no link to nothing for a file', async () => {
    const { place, usual } = await makePlaces('patchbay.yaml')
    await mkdir(place('project/patchbay.yaml'))
    await symlink('nowhere', place('project/patchbay.yml'))
    expect((await findThere(usual)).file).toBe(place('patchbay.yaml'))
  })
})

describe.skipIf(process.getuid === undefined)('a file that was found', () => {
  it('is refused, not passed over, when others may write it or its folder', async () => {
    const { place, usual } = await makePlaces('project/patchbay.yaml', 'patchbay.yaml')
    const file = place('project/patchbay.yaml')
    await chmod(file, 0o666)
    const refused = await findConfigFile(usual)
    expect(refused.source.file).toBe(file)
    expect(refused.searched.filter(({ outcome }) => outcome === 'refused')).toEqual([
      { file, outcome: 'refused' },
    ])
    expect(refused.problem).toMatchObject({ code: 'unsafe-place', file })
    expect(refused.problem?.message).toBe(
      'This file was found here, but it may be written by every user, who could have it run any program; change that, or name the file with --config.',
    )
    await chmod(file, 0o644)
    await chmod(place('project'), 0o777)
    expect((await findConfigFile(usual)).problem?.message).toContain(
      `its folder “${place('project')}” may be written`,
    )
    // Whoever names it has chosen it.
    expect(await findConfigFile({ ...usual, option: file })).not.toHaveProperty('problem')
    await chmod(place('project'), 0o775)
    expect(await findConfigFile(usual)).not.toHaveProperty('problem')
  })

  it('is refused when a link leads to such a place', async () => {
    const { place, usual } = await makePlaces()
    await mkdir(place('open'))
    await writeFile(place('open/real.yaml'), '')
    await chmod(place('open'), 0o777)
    await symlink('../open/real.yaml', place('project/patchbay.yaml'))
    expect((await findConfigFile(usual)).problem?.message).toContain(
      `its folder “${place('open')}” may be written`,
    )
  })

  it('is refused when others may put another folder in the place of one around it', async () => {
    const { place, usual } = await makePlaces('project/deep/patchbay.yaml')
    await chmod(place('project'), 0o777)
    expect((await findConfigFile(usual)).problem?.message).toContain(
      `the folder “${place('project')}” around it may be written by every user`,
    )
    // There, as in /tmp, nobody can take away what belongs to others.
    await chmod(place('project'), 0o1777)
    expect(await findConfigFile(usual)).not.toHaveProperty('problem')
  })

  it.skipIf(process.getuid?.() !== 0)(
    'is refused when a folder around it belongs to another user',
    async () => {
      const { place, usual } = await makePlaces('project/deep/patchbay.yaml')
      await chown(place('project'), 12_345, 12_345)
      expect((await findConfigFile(usual)).problem?.message).toContain(
        `the folder “${place('project')}” around it belongs to another user`,
      )
    },
  )

  it.skipIf(process.getuid?.() !== 0)('is refused when it belongs to another user', async () => {
    const { place, usual } = await makePlaces('project/patchbay.yaml')
    await chown(place('project/patchbay.yaml'), 12_345, 12_345)
    expect((await findConfigFile(usual)).problem?.message).toContain('but it belongs to another user,')
  })
})
