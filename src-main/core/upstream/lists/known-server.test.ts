import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeScratchFolder } from '../../../testing/scratch-folder.ts'
import { toServerConfig } from '../../../testing/server-config.ts'
import type { StdioTransport } from '../../config/config.ts'
import {
  readCapabilities,
  readKnownServer,
  toArray,
  unknownServer,
  writeKnownServer,
  type KnownServer,
} from './known-server.ts'
import { emptyLists, parseItems } from './list-items.ts'

const transport: StdioTransport = { type: 'stdio', command: 'npx', args: ['-y', 'x'], env: {} }
const server = toServerConfig(transport)

const oddTools = '[ {"name":"a", "n":9007199254740993 , "m":1.50},{"name" : "\\u0062"}]'
const known: KnownServer = {
  initialize: Buffer.from('{ "capabilities" : {"tools":{}}, "big":12345678901234567890 }'),
  lists: {
    ...emptyLists,
    tools: parseItems('tools', Buffer.from(oddTools), { start: 0, end: Buffer.byteLength(oddTools) }),
  },
  asksClient: true,
}

async function makeCache(): Promise<string> {
  return path.join(await makeScratchFolder(), 'cache', 'lists')
}

describe('what is known of a server', () => {
  it('comes back byte for byte: big numbers, odd spacing, escapes', async () => {
    const folder = await makeCache()
    await writeKnownServer(folder, server, known)
    const read = await readKnownServer(folder, server)
    expect(read).toEqual({ known })
    expect(read.known.lists.tools.map(({ bytes }) => bytes.toString())).toEqual([
      '{"name":"a", "n":9007199254740993 , "m":1.50}',
      '{"name" : "\\u0062"}',
    ])
  })

  it('comes back for a server that never answered, too', async () => {
    const folder = await makeCache()
    await writeKnownServer(folder, server, unknownServer)
    expect(await readKnownServer(folder, server)).toEqual({ known: unknownServer })
  })

  it('is one JSON file that only this user can read, in a folder that only this user can enter', async () => {
    const folder = await makeCache()
    await writeKnownServer(folder, server, known)
    await writeKnownServer(folder, server, known)
    expect(await readdir(folder)).toEqual(['files.json'])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(path.join(folder, 'files.json'))).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(path.join(folder, 'files.json'), 'utf8'))).toMatchObject({
      version: 1,
      asksClient: true,
      resourceTemplates: [],
    })
  })

  it.each([
    ['command', { ...transport, command: 'node' }],
    ['arguments', { ...transport, args: ['-y', 'y'] }],
    ['working directory', { ...transport, cwd: '/' }],
  ])('does not hold for a server with another %s', async (...[, other]) => {
    const folder = await makeCache()
    await writeKnownServer(folder, server, known)
    expect(await readKnownServer(folder, toServerConfig(other))).toEqual({ known: unknownServer })
  })

  it('is nothing, without a word, where there is no file', async () => {
    expect(await readKnownServer(await makeCache(), server)).toEqual({ known: unknownServer })
  })

  it.each(['', 'null', '[]', '{"version":1,', '{"version":1}x'])(
    'is nothing when the file is broken: %j',
    async (text) => {
      const folder = await makeScratchFolder()
      await writeFile(path.join(folder, 'files.json'), text)
      const { known: read, problem } = await readKnownServer(folder, server)
      expect(read).toBe(unknownServer)
      expect(problem).toMatch(/JSON/)
    },
  )

  it('is nothing when a list in the file is broken', async () => {
    const folder = await makeCache()
    await writeKnownServer(folder, server, known)
    const file = path.join(folder, 'files.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"prompts":[]', '"prompts":[{"name"}]'))
    const { known: read, problem } = await readKnownServer(folder, server)
    expect(read).toBe(unknownServer)
    expect(problem).toMatch(/JSON/)
  })

  it('is nothing when the file cannot be read, and says why', async () => {
    const folder = await makeScratchFolder()
    await mkdir(path.join(folder, 'files.json'))
    expect(await readKnownServer(folder, server)).toEqual({
      known: unknownServer,
      problem: 'It cannot be read (EISDIR).',
    })
  })

  it('cannot be written where there is no place for it', async () => {
    const folder = await makeScratchFolder()
    await writeFile(path.join(folder, 'file'), '')
    await expect(writeKnownServer(path.join(folder, 'file'), server, known)).rejects.toMatchObject({
      code: 'EEXIST',
    })
  })
})

describe('toArray', () => {
  it('puts JSON values into an array', () => {
    expect(toArray([]).toString()).toBe('[]')
    expect(toArray(['1.0', '{}', '"x"'].map((text) => Buffer.from(text))).toString()).toBe('[1.0,{},"x"]')
  })
})

describe('readCapabilities', () => {
  it('tells the names of the capabilities', () => {
    expect([...readCapabilities(Buffer.from('{"capabilities":{"tools":{},"x":null}}'))]).toEqual([
      'tools',
      'x',
    ])
    expect([...readCapabilities(Buffer.from('{}'))]).toEqual([])
  })
})
