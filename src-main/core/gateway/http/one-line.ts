const [lineFeed, carriageReturn, space, tab] = [0x0a, 0x0d, 0x20, 0x09]
const [quote, backslash] = [0x22, 0x5c]

/**
 * A body as one line, since servers that read lines would take what comes after a line end for a message of its own;
 * undefined when one stands within a string, which is no JSON. Nothing is parsed: however deep it nests costs nothing.
 */
export function toOneLine(body: Buffer): Buffer | undefined {
  let end = body.length
  while (end > 0 && isSpace(body[end - 1])) end--
  const line = body.subarray(0, end)
  if (!hasLineEnd(line)) return line
  const copy = Buffer.from(line)
  let isInString = false
  for (let at = 0; at < copy.length; at++) {
    const byte = copy[at]
    if (byte === lineFeed || byte === carriageReturn) {
      if (isInString) return undefined
      copy[at] = space
    } else if (byte === quote) isInString = !isInString
    else if (byte === backslash && isInString && copy[at + 1] !== lineFeed && copy[at + 1] !== carriageReturn)
      at++
  }
  return copy
}

/**
 * A piece of a message without line ends, which would end its event, and begin others of the sender's choice. JSON has
 * them only between its tokens, where a space is as good.
 */
export function withoutLineEnds(part: Buffer): Buffer {
  if (!hasLineEnd(part)) return part
  const copy = Buffer.from(part)
  for (let at = 0; at < copy.length; at++) {
    if (copy[at] === lineFeed || copy[at] === carriageReturn) copy[at] = space
  }
  return copy
}

function hasLineEnd(bytes: Buffer): boolean {
  return bytes.includes(lineFeed) || bytes.includes(carriageReturn)
}

function isSpace(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn || byte === space || byte === tab
}
