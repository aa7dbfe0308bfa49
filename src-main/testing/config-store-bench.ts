// A data folder with configurations, and a store that is followed.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, vi } from 'vitest'
import { openConfigStore, type ConfigStore } from '#core/config/store/config-store.ts'
import type { Config } from '#core/config/config.ts'
import { toProblemText } from '#core/config/read-config.ts'
import { readSource, type ConfigSource } from '#core/config/store/read-source.ts'
import { createLogRecorder } from './log-recorder.ts'
import { patience } from './patience.ts'
import { makeScratchFolder } from './scratch-folder.ts'

const timing = { pollMs: 50, settleMs: 30, gapMs: 400 }
export const env = { COMMAND: 'node' }

export const toJson = (servers: object, overrides?: object): string =>
  JSON.stringify({
    version: 1,
    servers,
    ...(overrides === undefined ? {} : { overrides: { servers: overrides } }),
  })
export const one = toJson({ files: { command: 'x' } })
export const two = toJson({ files: { command: 'x' }, docs: { command: 'y' } })

/** A data folder and what may lie in it. */
export async function makeConfigPlace(texts: Readonly<Record<string, string>> = {}) {
  const folder = await makeScratchFolder()
  const place = (name: string) => path.join(folder, name)
  await mkdir(place('data'))
  for (const [name, text] of Object.entries(texts)) await writeFile(place(name), text)
  const ownFile = place('data/config.json')
  const own: ConfigSource = { file: ownFile, ownFile, chosenBy: 'data-folder' }
  const named: ConfigSource = { file: place('c.yaml'), ownFile, chosenBy: 'option' }
  return { place, own, named }
}

export async function openStore(source: ConfigSource) {
  const { logger, entries } = createLogRecorder()
  const opened = await openConfigStore(await readSource(source, env), { env, logger, timing })
  if (!opened.ok) throw new Error(opened.problems.map(toProblemText).join('\n'))
  const { store } = opened
  onTestFinished(() => {
    store.close()
  })
  return { opened, store, told: listen(store), log: entries }
}

/** What a store tells, in order: names of the servers that are on, problems, or that all is well again. */
function listen(store: ConfigStore): string[] {
  const told: string[] = []
  store.onChanged((next, before) => {
    expect(store.config).toBe(next)
    expect(next).not.toEqual(before)
    told.push(toNames(next))
  })
  store.onRefused((problems) => {
    expect(store.problems).toBe(problems)
    told.push(
      ...problems.map(
        ({ file, line, column, key, message }) =>
          `${path.basename(file)}:${line}:${column} ${key}: ${message}`,
      ),
    )
  })
  store.onRecovered(() => told.push('recovered'))
  return told
}

export function toNames({ servers }: Config): string {
  const enabled = servers.filter((server) => server.enabled)
  return enabled.map(({ name, tools }) => [name, ...tools.disabled].join('-')).join(',')
}

export async function untilTold(told: readonly string[], ...wanted: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    expect(told).toEqual(wanted)
  }, patience)
}

/** Long enough for several looks. */
export const aWhile = () => delay(700)
