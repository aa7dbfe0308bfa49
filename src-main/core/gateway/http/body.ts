import type { IncomingMessage } from 'node:http'

/** What came of reading a body. `broken`: the connection ended before it did. */
export type BodyOutcome = Buffer | 'too-large' | 'broken'

/** Reads a request's body of at most so many bytes and calls `done` once. */
export function readBody(
  request: IncomingMessage,
  mostBytes: number,
  done: (outcome: BodyOutcome) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  let isDone = false
  const finish = (outcome: BodyOutcome): void => {
    if (isDone) return
    isDone = true
    done(outcome)
  }
  request.on('data', (chunk: Buffer) => {
    if (isDone) return
    length += chunk.length
    if (length > mostBytes) finish('too-large')
    else chunks.push(chunk)
  })
  request.on('end', () => {
    const [first] = chunks
    finish(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length))
  })
  request.on('close', () => {
    finish('broken')
  })
}

const [lineFeed, carriageReturn, space, tab] = [0x0a, 0x0d, 0x20, 0x09]

/**
 * A body as one line, since servers that read lines would take what comes after a line end for a message of its own;
 * undefined when it is no JSON. Only a body with line ends in it is parsed.
 */
export function toOneLine(body: Buffer): Buffer | undefined {
  let end = body.length
  while (end > 0 && isSpace(body[end - 1])) end--
  const line = body.subarray(0, end)
  if (!line.includes(lineFeed) && !line.includes(carriageReturn)) return line
  try {
    JSON.parse(line.toString())
  } catch {
    return undefined
  }
  // In JSON they stand only between tokens, where a space is as good.
  const copy = Buffer.from(line)
  for (const [index, byte] of copy.entries()) {
    if (byte === lineFeed || byte === carriageReturn) copy[index] = space
  }
  return copy
}

function isSpace(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn || byte === space || byte === tab
}
