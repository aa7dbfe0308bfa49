import { removeEscapeSequences, replaceControls } from '#base/plain-text.ts'

const keptLines = 30
const longestLine = 2048
const longestQuotation = 200

/** Whether a line of stderr is likely to say what went wrong, rather than where or what to read next. */
const telling =
  /error|exception|cannot|can't|could not|not found|no such|fail|denied|refused|invalid|missing|unable|required|unknown|unsupported/i
const framing =
  /^\s*(?:at |File "|\^|~|\||node:|throw |Node\.js v|code: |errno: |syscall: )|complete log of this run/

/** What a process printed last besides messages, so that the reason of its end can be told. */
export class LastWords {
  #lines: Buffer[] = []

  add(line: Buffer): void {
    if (line.length === 0) return
    this.#lines.push(line.subarray(0, longestLine))
    if (this.#lines.length > keptLines) this.#lines.shift()
  }

  /** ` (it said: “…”)` with the line that tells most, or '' when it said nothing. `redact` takes secrets out. */
  toQuotation(redact: (text: string) => string): string {
    const lines = this.#lines
      .map((line) => replaceControls(removeEscapeSequences(line.toString()), '').trim())
      .filter(Boolean)
    const plain = lines.filter((line) => !framing.test(line))
    const line = plain.findLast((candidate) => telling.test(candidate)) ?? plain.at(-1) ?? lines.at(-1)
    if (line === undefined) return ''
    const text = redact(line)
    return ` (it said: “${text.length > longestQuotation ? `${text.slice(0, longestQuotation)}…` : text}”)`
  }
}
