import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeFileAtomically, type WriteStep } from './write-atomically.ts'

const steps: readonly WriteStep[] = ['opened', 'written', 'synced', 'renamed', 'done']

async function makeScratchFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function modeOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777
}

describe('writeFileAtomically', () => {
  it('makes a file that only this user can read, and nothing else', async () => {
    const folder = await makeScratchFolder()
    await writeFileAtomically(path.join(folder, 'a.json'), '{"ä":1}')
    await writeFileAtomically(path.join(folder, 'b.json'), Buffer.from([0, 255]), 0o640)
    expect(await readFile(path.join(folder, 'a.json'), 'utf8')).toBe('{"ä":1}')
    expect([...(await readFile(path.join(folder, 'b.json')))]).toEqual([0, 255])
    expect(await readdir(folder)).toEqual(['a.json', 'b.json'])
    expect(await modeOf(path.join(folder, 'a.json'))).toBe(0o600)
    expect(await modeOf(path.join(folder, 'b.json'))).toBe(0o640)
  })

  it('removes what a writer left that was killed, and nothing that is new or of another file', async () => {
    const folder = await makeScratchFolder()
    const place = (name: string): string => path.join(folder, name)
    const names = [
      'a.json.0123456789ab.tmp',
      'a.json.fedcba987654.tmp',
      'b.json.0123456789ab.tmp',
      'a.json.tmp',
    ]
    for (const name of names) await writeFile(place(name), 'left')
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000)
    for (const name of names.filter((one) => !one.includes('fed'))) await utimes(place(name), old, old)
    await writeFileAtomically(place('a.json'), '{}')
    expect((await readdir(folder)).sort()).toEqual(['a.json', ...names.slice(1)].sort())
  })

  it('keeps the mode of a file that is there', async () => {
    const file = path.join(await makeScratchFolder(), 'a.json')
    await writeFile(file, 'old')
    await chmod(file, 0o644)
    await writeFileAtomically(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
    expect(await modeOf(file)).toBe(0o644)
  })

  it('writes behind symbolic links, even where there is nothing yet, and leaves the links', async () => {
    const folder = await makeScratchFolder()
    const place = (name: string) => path.join(folder, name)
    await mkdir(place('real'))
    await writeFile(place('real/old.json'), 'old')
    await symlink('real/old.json', place('link'))
    await symlink('link', place('link-to-link'))
    await symlink('real/new.json', place('dangling'))
    await writeFileAtomically(place('link-to-link'), '1')
    await writeFileAtomically(place('dangling'), '2')
    expect(await readFile(place('real/old.json'), 'utf8')).toBe('1')
    expect(await readFile(place('real/new.json'), 'utf8')).toBe('2')
    expect(
      await Promise.all(['link', 'link-to-link', 'dangling'].map((name) => readlink(place(name)))),
    ).toEqual(['real/old.json', 'link', 'real/new.json'])
    expect((await readdir(place('real'))).sort()).toEqual(['new.json', 'old.json'])
  })

  it('rejects links that lead in a circle, and folders that are not there', async () => {
    const folder = await makeScratchFolder()
    await symlink('b', path.join(folder, 'a'))
    await symlink('a', path.join(folder, 'b'))
    await expect(writeFileAtomically(path.join(folder, 'a'), 'x')).rejects.toThrow('ELOOP')
    await expect(writeFileAtomically(path.join(folder, 'none/a'), 'x')).rejects.toThrow('ENOENT')
  })

  it.each(steps.slice(0, 3))(
    'that fails when %s leaves the old content and no scratch file',
    async (last) => {
      const folder = await makeScratchFolder()
      const file = path.join(folder, 'a.json')
      await writeFile(file, 'old')
      const failing = writeFileAtomically(file, 'new', 0o600, (step) => {
        if (step === last) throw new Error('No space')
      })
      await expect(failing).rejects.toThrow('No space')
      expect(await readFile(file, 'utf8')).toBe('old')
      expect(await readdir(folder)).toEqual(['a.json'])
    },
  )

  it('over a folder rejects, and leaves it and no scratch file', async () => {
    const folder = await makeScratchFolder()
    await mkdir(path.join(folder, 'a.json'))
    await expect(writeFileAtomically(path.join(folder, 'a.json'), 'new')).rejects.toThrow('EISDIR')
    expect(await readdir(folder)).toEqual(['a.json'])
  })
})

const source = path.resolve(import.meta.dirname, 'write-atomically.ts')
const toText = (letter: string) => JSON.stringify({ text: letter.repeat(2_000_000) })

/** A process of its own that writes; `script` sees `write` and the file. */
function startWriter(file: string, script: string) {
  const setting = `import { writeFileAtomically } from ${JSON.stringify(source)}
    const file = ${JSON.stringify(file)}
    const toText = (letter) => JSON.stringify({ text: letter.repeat(2_000_000) })\n`
  return spawn(process.execPath, ['--input-type=module', '-e', setting + script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

describe('a writer that is killed', { timeout: 60_000 }, () => {
  it.each(steps)('when %s leaves all of the old or all of the new', async (last) => {
    const file = path.join(await makeScratchFolder(), 'a.json')
    await writeFile(file, toText('o'))
    const child = startWriter(
      file,
      `await writeFileAtomically(file, toText('n'), 0o600, (step) => {
         if (step === '${last}') process.kill(process.pid, 'SIGKILL')
       })`,
    )
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    const isNew = last === 'renamed' || last === 'done'
    // Not compared as text: a difference of millions of letters takes minutes to print.
    expect((await readFile(file, 'utf8')) === toText(isNew ? 'n' : 'o')).toBe(true)
  })

  it('at any moment leaves a file that is whole', async () => {
    const file = path.join(await makeScratchFolder(), 'a.json')
    await writeFile(file, toText('o'))
    for (let round = 0; round < 12; round += 1) {
      const child = startWriter(
        file,
        `await writeFileAtomically(file, toText('n'))
         process.stdout.write('.')
         for (;;) for (const letter of 'on') await writeFileAtomically(file, toText(letter))`,
      )
      await once(child.stdout, 'data')
      // Another place within a write each time.
      await new Promise((resolve) => setTimeout(resolve, round * 1.7))
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect([toText('o'), toText('n')].includes(await readFile(file, 'utf8'))).toBe(true)
    }
  })
})
