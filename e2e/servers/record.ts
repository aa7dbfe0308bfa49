// The record of a test server: every line that it received, verbatim. JSON-RPC over stdio has no newline in a message, so
// the newline frames them exactly.
import { appendFileSync, readFileSync } from 'node:fs'

/** Appends one received line; returns when it is on disk, so a test that has the answer finds the question. */
export function appendRecord(file: string, line: Buffer): void {
  appendFileSync(file, Buffer.concat([line, Buffer.from('\n')]))
}

/** All lines that were received so far, in order. None when the file is not there yet. */
export function readRecord(file: string): Buffer[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines: Buffer[] = []
  let from = 0
  for (let newline = bytes.indexOf(10); newline !== -1; newline = bytes.indexOf(10, from)) {
    lines.push(bytes.subarray(from, newline))
    from = newline + 1
  }
  return lines
}
