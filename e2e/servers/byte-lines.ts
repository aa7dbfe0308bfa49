import type { Readable } from 'node:stream'

/** Calls `onLine` with the bytes of each line without its newline; lines are never decoded. */
export function readByteLines(stream: Readable, onLine: (line: Buffer) => void): void {
  let parts: Buffer[] = []
  stream.on('data', (chunk: Buffer) => {
    let from = 0
    for (;;) {
      const newline = chunk.indexOf(10, from)
      if (newline === -1) break
      const tail = chunk.subarray(from, newline)
      const line = parts.length === 0 ? tail : Buffer.concat([...parts, tail])
      parts = []
      from = newline + 1
      if (line.length > 0) onLine(line)
    }
    if (from < chunk.length) parts.push(chunk.subarray(from))
  })
}
