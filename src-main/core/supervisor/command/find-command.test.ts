import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { createCommandFiles, type CommandFiles } from './command-files.ts'
import { findCommand, findInterpreter, isBareName, splitPath } from './find-command.ts'

const files = createCommandFiles('linux')

/** A disk of Windows: names of files, in any case. */
function createWindowsFiles(names: readonly string[]): CommandFiles {
  const known = new Set(names.map((name) => name.toLowerCase()))
  return {
    canRun: (file) => Promise.resolve(known.has(file.toLowerCase())),
    readStart: () => Promise.resolve(''),
  }
}

describe('findCommand on Unix', () => {
  it('finds the first file that may be run; a folder and a plain file are no commands', async () => {
    const scratch = await makeScratchFolder()
    const folders = ['a', 'b', 'c', 'd'].map((name) => path.join(scratch, name))
    for (const folder of folders) await mkdir(folder)
    const [first, second, third, fourth] = folders as [string, string, string, string]
    await mkdir(path.join(first, 'tool'))
    await writeFile(path.join(second, 'tool'), '', { mode: 0o644 })
    await writeFile(path.join(fourth, 'tool'), '', { mode: 0o755 })
    await symlink(path.join(fourth, 'tool'), path.join(third, 'tool'))
    expect(await findCommand('tool', { folders, platform: 'linux', files })).toBe(path.join(third, 'tool'))
    expect(await findCommand('other', { folders, platform: 'linux', files })).toBeUndefined()
  })

  it('does not look in folders that depend on where Patchbay runs', async () => {
    const scratch = await makeScratchFolder()
    await writeFile(path.join(scratch, 'tool'), '', { mode: 0o755 })
    const folders = [path.relative(process.cwd(), scratch), '.']
    expect(await findCommand('tool', { folders, platform: 'linux', files })).toBeUndefined()
  })
})

describe('findCommand on Windows', () => {
  const node = String.raw`C:\Program Files\nodejs`
  const places = {
    folders: ['C:\\old', node],
    platform: 'win32' as const,
    files: createWindowsFiles([`${node}\\npx`, `${node}\\npx.cmd`, `${node}\\npx.ps1`, `${node}\\node.exe`]),
  }

  it('finds a name by the extensions that PATHEXT lists, in their order, and not without one', async () => {
    expect(await findCommand('npx', { ...places, extensions: '.JS;.EXE;.CMD' })).toBe(`${node}\\npx.CMD`)
    expect(await findCommand('npx', { ...places, extensions: '.PS1' })).toBe(`${node}\\npx.cmd`)
    expect(await findCommand('npx', places)).toBe(`${node}\\npx.cmd`)
    expect(await findCommand('node.EXE', places)).toBe(`${node}\\node.EXE`)
    expect(await findCommand('uvx', places)).toBeUndefined()
  })

  it('completes a path without its extension too', async () => {
    expect(await findCommand(`${node}\\npx`, places)).toBe(`${node}\\npx.cmd`)
    expect(await findCommand(`${node}\\npx.cmd`, places)).toBe(`${node}\\npx.cmd`)
  })
})

describe('isBareName', () => {
  it('tells a name from a path, as the platform writes it', () => {
    expect(isBareName('npx', 'linux')).toBe(true)
    expect(isBareName('./npx', 'linux')).toBe(false)
    expect(isBareName('a\\b', 'linux')).toBe(true)
    expect(isBareName('a\\b', 'win32')).toBe(false)
    expect(isBareName('a/b', 'win32')).toBe(false)
    expect(isBareName('C:npx', 'win32')).toBe(false)
  })
})

describe('splitPath', () => {
  it('gives the folders in their order, without empty ones', () => {
    expect(splitPath('/a::/b:', 'linux')).toEqual(['/a', '/b'])
    expect(splitPath('C:\\a;"D:\\b;c"', 'win32')).toEqual(['C:\\a', 'D:\\b', 'c'])
    expect(splitPath(' C:\\a ;;', 'win32')).toEqual(['C:\\a'])
    expect(splitPath(undefined, 'linux')).toEqual([])
    expect(splitPath(undefined, 'win32')).toEqual([])
  })
})

describe('findInterpreter', () => {
  it('waits for nobody who writes into a pipe, and reads no device or folder', async () => {
    const scratch = await makeScratchFolder()
    const pipe = path.join(scratch, 'pipe')
    execFileSync('mkfifo', ['-m', '755', pipe])
    for (const file of [pipe, '/dev/zero', scratch]) expect(await files.readStart(file, 256)).toBe('')
    expect(await findInterpreter(pipe, files)).toBeUndefined()
  })

  it.each([
    ['#!/usr/bin/env node\nrest', 'node'],
    ['#! /usr/bin/env python3\r\n', 'python3'],
    ['#!/bin/env -S node --flag', 'node'],
    ['#!/usr/bin/env -Snode --flag', 'node'],
    ['#!/usr/bin/env -S A=1 deno run', 'deno'],
    ['#!/usr/bin/env -i node', undefined],
    ['#!/usr/bin/env /opt/node', undefined],
    ['#!/usr/bin/env ', undefined],
    ['#!/bin/sh\n', undefined],
    ['\u007fELF', undefined],
  ])('reads %j', async (text, expected) => {
    const file = path.join(await makeScratchFolder(), 'script')
    await writeFile(file, text)
    expect(await findInterpreter(file, files)).toBe(expected)
  })

  it('knows none of a file that is not there', async () => {
    expect(await findInterpreter('/nowhere/at/all', files)).toBeUndefined()
  })
})
