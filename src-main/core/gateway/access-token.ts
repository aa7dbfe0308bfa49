import { randomBytes, timingSafeEqual } from 'node:crypto'
import path from 'node:path'
import { readRegularFile } from '#base/read-regular-file.ts'
import { writePrivateFile } from './private-files.ts'
import { withStartLock } from './start-lock.ts'

/** The file of the local access token. */
export function toTokenFile(dataFolder: string): string {
  return path.join(dataFolder, 'access-token')
}

/** Reads the local access token, or makes one when there is none: it survives restarts, since HTTP editors store it. */
export function readAccessToken(dataFolder: string): Promise<string> {
  return alone(dataFolder, async () => (await findToken(dataFolder)) ?? writeToken(dataFolder, createToken()))
}

/** Makes another access token. Whoever has the old one is let in no more. */
export function renewAccessToken(dataFolder: string): Promise<string> {
  return alone(dataFolder, () => writeToken(dataFolder, createToken()))
}

/** Reads the token that took the place of another; while there is none, the other is written again and stays. */
export function keepAccessToken(dataFolder: string, current: string): Promise<string> {
  return alone(dataFolder, async () => (await findToken(dataFolder)) ?? writeToken(dataFolder, current))
}

/** Of two apps that start for the first time at once, the second takes the token that the first one made. */
function alone(dataFolder: string, work: () => Promise<string>): Promise<string> {
  return withStartLock(`${toTokenFile(dataFolder)}.lock`, work)
}

function createToken(): string {
  return randomBytes(32).toString('base64url')
}

/** The token in the file; undefined when there is none, or nothing that could be one. */
async function findToken(dataFolder: string): Promise<string | undefined> {
  try {
    const token = (await readRegularFile(toTokenFile(dataFolder), 4096)).toString().trim()
    return /^[A-Za-z0-9_-]{32,}$/.test(token) ? token : undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EFBIG') return undefined
    throw error
  }
}

async function writeToken(dataFolder: string, token: string): Promise<string> {
  await writePrivateFile(toTokenFile(dataFolder), `${token}\n`)
  return token
}

/** Whether two tokens are the same, in a time that tells no more than whether they are of one length. */
export function isSameToken(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** The access token that holds now. */
export class AccessToken {
  #value: string

  constructor(value: string) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  isSame(given: string): boolean {
    return isSameToken(given, this.#value)
  }

  /** Lets another one hold from now on. False: it is the one that holds already. */
  change(next: string): boolean {
    const isOther = next !== this.#value
    this.#value = next
    return isOther
  }
}
