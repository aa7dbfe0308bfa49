// Finds raw stretches of JSON without parsing it. Written apart from the product's scanner, so that bugs are not shared.

/** A stretch of bytes: `start` inclusive, `end` exclusive. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

function code(character: string): number {
  return character.charCodeAt(0)
}

function skipBlank(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && ' \t\r\n'.includes(String.fromCharCode(bytes[at]!))) at++
  return at
}

function endOfText(bytes: Buffer, from: number): number {
  for (let at = from + 1; ; at++) {
    at = bytes.indexOf('"', at, 'latin1')
    if (at === -1) throw new Error('A string does not end.')
    let before = at - 1
    while (bytes[before] === code('\\')) before--
    if ((at - before) % 2 === 1) return at + 1
  }
}

function endOfBlock(bytes: Buffer, from: number): number {
  let open = 0
  let at = from
  do {
    const character = String.fromCharCode(bytes[at] ?? 0)
    if (at >= bytes.length) throw new Error('An object or array does not end.')
    if (character === '"') {
      at = endOfText(bytes, at)
      continue
    }
    if ('{['.includes(character)) open++
    if (']}'.includes(character)) open--
    at++
  } while (open > 0)
  return at
}

function endOfValue(bytes: Buffer, from: number): number {
  const first = String.fromCharCode(bytes[from] ?? 0)
  if (first === '"') return endOfText(bytes, from)
  if (first === '{' || first === '[') return endOfBlock(bytes, from)
  let at = from
  while (at < bytes.length && !',]} \t\r\n'.includes(String.fromCharCode(bytes[at]!))) at++
  return at
}

/** The members of an object by decoded name; of doubles the last. Empty for anything but an object. */
export function findMembers(bytes: Buffer): Map<string, Stretch> {
  const members = new Map<string, Stretch>()
  let at = skipBlank(bytes, 0)
  if (bytes[at] !== code('{')) return members
  at = skipBlank(bytes, at + 1)
  while (bytes[at] === code('"')) {
    const afterName = endOfText(bytes, at)
    const name = JSON.parse(bytes.toString('utf8', at, afterName)) as string
    const colon = skipBlank(bytes, afterName)
    if (bytes[colon] !== code(':')) throw new Error(`No colon after ${name}.`)
    const start = skipBlank(bytes, colon + 1)
    const end = endOfValue(bytes, start)
    members.set(name, { start, end })
    at = skipBlank(bytes, end)
    if (bytes[at] === code(',')) at = skipBlank(bytes, at + 1)
  }
  if (bytes[at] !== code('}')) throw new Error(`An object goes wrong at byte ${at}.`)
  return members
}

/** Where the value at a path of member names stands, relative to `bytes`; undefined when there is none. */
export function findStretch(bytes: Buffer, path: readonly string[]): Stretch | undefined {
  let found: Stretch = { start: 0, end: bytes.length }
  for (const name of path) {
    const inner = findMembers(bytes.subarray(found.start, found.end)).get(name)
    if (inner === undefined) return undefined
    found = { start: found.start + inner.start, end: found.start + inner.end }
  }
  return found
}

/** The raw bytes of the value at a path of member names; undefined when there is none. */
export function cut(bytes: Buffer, ...path: string[]): Buffer | undefined {
  const found = findStretch(bytes, path)
  return found && bytes.subarray(found.start, found.end)
}

/** The same bytes with the value at the path replaced; unchanged when there is no such value. */
export function splice(bytes: Buffer, path: readonly string[], value: Buffer | string): Buffer {
  const found = findStretch(bytes, path)
  if (found === undefined) return bytes
  return Buffer.concat([bytes.subarray(0, found.start), Buffer.from(value), bytes.subarray(found.end)])
}

/** A key that is the same for the same JSON-RPC id however it is written, and distinct for 1 and "1". */
export function toIdKey(raw: Buffer): string {
  const text = raw.toString('utf8')
  return text.startsWith('"') ? `text ${JSON.parse(text) as string}` : `number ${text}`
}
