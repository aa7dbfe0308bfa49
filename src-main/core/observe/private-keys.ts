import { mask } from './redact.ts'

// A key has 70 lines at most; what only looks like the beginning of one must not hide all that follows.
const mostLines = 100
const beginning = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/g
const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/g

/** Takes out the lines of a private key that is printed over several of them: where it begins the redactor sees. */
export class PrivateKeyLines {
  #left = 0

  /** The next line of a stream, without what belongs to a key that began in an earlier line. */
  mask(line: string): string {
    const rest = this.#left > 0 ? this.#maskInside(line) : line
    const begunAt = findLast(rest, beginning)
    if (begunAt > findLast(rest, end)) this.#left = mostLines
    return rest
  }

  #maskInside(line: string): string {
    const found = line.matchAll(end).next().value
    this.#left = found === undefined ? this.#left - 1 : 0
    return found === undefined ? mask : mask + line.slice(found.index + found[0].length)
  }
}

/** Where the last match begins; -1 when there is none. */
function findLast(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].at(-1)?.index ?? -1
}
