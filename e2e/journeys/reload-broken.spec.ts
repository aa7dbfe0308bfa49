// A broken edit of the configuration, in each format: what ran goes on, and the place is told.
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventually, readNames, waitForTool } from '../clients/views.ts'
import { AppLog } from '../hosts/app-log.ts'
import { Scratch } from '../hosts/built.ts'
import { startHeadless } from '../hosts/headless.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'

const [script] = toTinyEntry()['args'] as [string]

/** A configuration with these servers in the words of each format; the second key of the first server is on line 6. */
const formats = {
  json: (names: readonly string[]): string => {
    const servers = names.map(
      (name) => `    "${name}": {\n      "command": "sh",\n      "args": ["${script}"]\n    }`,
    )
    return `{\n  "version": 1,\n  "servers": {\n${servers.join(',\n')}\n  }\n}\n`
  },
  yaml: (names: readonly string[]): string => {
    const servers = names.map((name) => `  ${name}:\n    command: sh\n    args: ["${script}"]\n`)
    return `# Servers\nversion: 1\nservers:\n${servers.join('')}`
  },
  toml: (names: readonly string[]): string => {
    const servers = names.map((name) => `[servers.${name}]\ncommand = "sh"\nargs = ["${script}"]\n`)
    return `# Servers\n\nversion = 1\n${servers.join('')}`
  },
} as const

const faults = [
  { fault: 'a misspelt key', toBroken: (text: string) => text.replace('args', 'arguments'), line: 6 },
  { fault: 'a value of the wrong type', toBroken: (text: string) => text.replace(/\[".*"\]/, '7'), line: 6 },
  {
    fault: 'broken syntax',
    toBroken: (text: string) => text.replace(/\["(.*)"\]/, '["$1"'),
    line: undefined,
  },
]
const rows = (Object.keys(formats) as (keyof typeof formats)[]).flatMap((format) =>
  faults.map((fault) => ({ format, ...fault })),
)

it.each(rows)(
  '$format with $fault: what ran goes on, and the place is told',
  async ({ format, toBroken, line }) => {
    using scratch = new Scratch()
    const toText = formats[format]
    const file = scratch.write(`patchbay.${format}`, toText(['one']))
    await using app = await startHeadless({ config: {}, args: ['--no-http', '--config', file] })
    const client = await app.openSocket()
    await client.initialize()
    await waitForTool(client, 'one__pid')
    const pid = await client.callText('one__pid')
    const log = new AppLog(app.dataDir)

    const after = log.mark()
    writeFileSync(file, toBroken(toText(['one', 'two'])))
    const place = line === undefined ? /:\d+:\d+/ : new RegExp(`:${line}:\\d+`)
    const told = await log.waitFor((one) => one.level === 'error', { after })
    expect(JSON.stringify(told)).toContain(`patchbay.${format}`)
    expect(JSON.stringify(told)).toMatch(place)
    await eventually(() => app.stderr).toMatch(new RegExp(`patchbay\\.${format}${place.source}`))
    expect(await client.callText('one__pid')).toBe(pid)
    expect(await readNames(client, 'tools')).not.toContain('two__pid')

    const mended = log.mark()
    writeFileSync(file, toText(['one', 'two']))
    await log.waitForReload(mended)
    expect(await client.callText('one__pid')).toBe(pid)
    expect(await client.callText('two__echo', { text: 'hello' })).toBe('hello')
  },
)
