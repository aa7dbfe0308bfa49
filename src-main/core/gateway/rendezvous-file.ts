import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { parseRendezvous, rendezvousFile, type Rendezvous } from '#contract/rendezvous.ts'
import { writePrivateFile } from './private-files.ts'

/** Tells clients where the app is. */
export async function writeRendezvous(dataFolder: string, rendezvous: Rendezvous): Promise<void> {
  await writePrivateFile(path.join(dataFolder, rendezvousFile), `${JSON.stringify(rendezvous, null, 2)}\n`)
}

/** Takes the rendezvous away again, unless another app has written its own since. */
export async function removeRendezvous(dataFolder: string, pid: number): Promise<void> {
  const found = await readRendezvous(dataFolder)
  if (found?.pid === pid) await rm(path.join(dataFolder, rendezvousFile), { force: true })
}

/** The rendezvous of the app of this data folder; undefined when there is none, or none that can be read. */
export async function readRendezvous(dataFolder: string): Promise<Rendezvous | undefined> {
  try {
    return parseRendezvous(await readFile(path.join(dataFolder, rendezvousFile), 'utf8'))
  } catch {
    // Missing, half written or of another version: no app that could be talked to.
    return undefined
  }
}
