// Reads where things stand in a line of JSON without parsing it, so that payloads can travel as bytes.
// The structure around what is read is checked; what is only passed over is left to the receiver to judge.

/** A stretch of bytes: `start` inclusive, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Where the top-level members of a JSON-RPC message stand. Of members written twice the last counts, as in JSON.parse. */
export interface Head {
  readonly id?: Span
  readonly method?: string
  readonly params?: Span
  readonly result?: Span
  readonly error?: Span
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const zero = 0x30
const nine = 0x39

function fail(bytes: Buffer, at: number): never {
  throw new SyntaxError(at >= bytes.length ? 'Unexpected end of JSON' : `Unexpected byte in JSON at ${at}`)
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

/** `from` is at the opening quote; returns the index after the closing one. */
function skipString(bytes: Buffer, from: number): number {
  // Short strings by hand, long ones by the native search.
  const nearby = Math.min(from + 24, bytes.length)
  let at = from + 1
  while (at < nearby) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  for (;;) {
    const end = bytes.indexOf(quote, at)
    if (end === -1) fail(bytes, bytes.length)
    let escapes = end
    while (escapes > at && bytes[escapes - 1] === backslash) escapes--
    if ((end - escapes) % 2 === 0) return end + 1
    at = end + 1
  }
}

function skipContainer(bytes: Buffer, from: number): number {
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === quote) {
      at = skipString(bytes, at)
      continue
    }
    if (byte === openBrace || byte === openBracket) depth++
    else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) return at + 1
    at++
  }
  return fail(bytes, bytes.length)
}

const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/
const literals = new Set(['true', 'false', 'null'])

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine
}

/** Whether a number or literal is over before this byte. */
function isScalarEnd(byte: number | undefined): boolean {
  return byte === undefined || byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)
}

function skipScalar(bytes: Buffer, from: number): number {
  let at = from
  // Plain whole numbers, as ids are, need no second look.
  if (bytes[at] !== zero) while (isDigit(bytes[at])) at++
  if (at > from && isScalarEnd(bytes[at])) return at
  while (!isScalarEnd(bytes[at])) at++
  const text = bytes.toString('latin1', from, at)
  if (!literals.has(text) && !numberPattern.test(text)) fail(bytes, from)
  return at
}

function skipValue(bytes: Buffer, from: number): number {
  const byte = bytes[from]
  if (byte === quote) return skipString(bytes, from)
  if (byte === openBrace || byte === openBracket) return skipContainer(bytes, from)
  return skipScalar(bytes, from)
}

function wholeOf(bytes: Buffer): Span {
  return { start: 0, end: bytes.length }
}

type VisitMember = (keyStart: number, keyEnd: number, start: number, end: number) => void

/** Calls `visit` for each member with where its key, without the quotes, and its value stand. */
function visitMembers(bytes: Buffer, span: Span, visit: VisitMember): void {
  let at = skipSpace(bytes, span.start)
  if (bytes[at] !== openBrace) fail(bytes, at)
  at = skipSpace(bytes, at + 1)
  if (bytes[at] !== closeBrace) {
    for (;;) {
      if (bytes[at] !== quote) fail(bytes, at)
      const keyStart = at + 1
      at = skipString(bytes, at)
      const keyEnd = at - 1
      at = skipSpace(bytes, at)
      if (bytes[at] !== colon) fail(bytes, at)
      const start = skipSpace(bytes, at + 1)
      const end = skipValue(bytes, start)
      visit(keyStart, keyEnd, start, end)
      at = skipSpace(bytes, end)
      if (bytes[at] === closeBrace) break
      if (bytes[at] !== comma) fail(bytes, at)
      at = skipSpace(bytes, at + 1)
    }
  }
  at = skipSpace(bytes, at + 1)
  if (at < span.end) fail(bytes, at)
}

function readKey(bytes: Buffer, start: number, end: number): string {
  const plain = bytes.toString('utf8', start, end)
  return plain.includes('\\') ? (JSON.parse(`"${plain}"`) as string) : plain
}

function isAt(bytes: Buffer, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false
  }
  return true
}

/** Which of some keys, all of ASCII, stands there. Only one with an escape is decoded: that costs more than the rest. */
function findKey<Key extends string>(
  bytes: Buffer,
  start: number,
  end: number,
  keys: readonly Key[],
): Key | undefined {
  for (const key of keys) if (key.length === end - start && isAt(bytes, start, key)) return key
  for (let at = start; at < end; at++) {
    if (bytes[at] !== backslash) continue
    const decoded = readKey(bytes, start, end)
    return keys.find((key) => key === decoded)
  }
  return undefined
}

/**
 * The members of the JSON object at `span` (the whole line when left out), by decoded key; of doubles the last.
 * Throws SyntaxError when there is no object.
 */
export function readMembers(bytes: Buffer, span: Span = wholeOf(bytes)): Map<string, Span> {
  const members = new Map<string, Span>()
  visitMembers(bytes, span, (keyStart, keyEnd, start, end) => {
    members.set(readKey(bytes, keyStart, keyEnd), { start, end })
  })
  return members
}

/** The value of one member, by a key of ASCII, of the object at `span`; undefined when it has none or is no object. */
export function findMember(bytes: Buffer, span: Span | undefined, key: string): Span | undefined {
  if (span === undefined || bytes[span.start] !== openBrace) return undefined
  const keys = [key]
  let found: Span | undefined
  visitMembers(bytes, span, (keyStart, keyEnd, start, end) => {
    if (findKey(bytes, keyStart, keyEnd, keys) !== undefined) found = { start, end }
  })
  return found
}

/** The value at the end of a path of keys, each in the object before it. */
export function findPath(bytes: Buffer, span: Span | undefined, path: readonly string[]): Span | undefined {
  return path.reduce<Span | undefined>((at, key) => findMember(bytes, at, key), span)
}

/** The elements of the JSON array at `span`; none when it is no array. Throws SyntaxError when it is a broken one. */
export function readElements(bytes: Buffer, span: Span | undefined): Span[] {
  if (span === undefined || bytes[span.start] !== openBracket) return []
  const elements: Span[] = []
  let at = skipSpace(bytes, span.start + 1)
  if (bytes[at] === closeBracket) return elements
  for (;;) {
    const end = skipValue(bytes, at)
    elements.push({ start: at, end })
    at = skipSpace(bytes, end)
    if (bytes[at] === closeBracket) return elements
    if (bytes[at] !== comma) fail(bytes, at)
    at = skipSpace(bytes, at + 1)
  }
}

/** The string at `span`, decoded, or undefined when there is none or it is no string. */
export function readString(bytes: Buffer, span: Span | undefined): string | undefined {
  if (span === undefined || bytes[span.start] !== quote) return undefined
  return readKey(bytes, span.start + 1, span.end - 1)
}

const headKeys = ['id', 'method', 'params', 'result', 'error'] as const

/** The head of a JSON-RPC message. Throws SyntaxError when the line is no JSON object, or its id no JSON. */
export function readHead(bytes: Buffer): Head {
  const head: { id?: Span; method?: string; params?: Span; result?: Span; error?: Span } = {}
  visitMembers(bytes, wholeOf(bytes), (keyStart, keyEnd, start, end) => {
    const key = findKey(bytes, keyStart, keyEnd, headKeys)
    if (key === undefined) return
    const value = { start, end }
    // Whoever has the head can compare the id: what cannot be decoded is found out here.
    if (key === 'id') readString(bytes, value)
    if (key !== 'method') {
      head[key] = value
      return
    }
    const method = readString(bytes, value)
    if (method !== undefined) head.method = method
  })
  return head
}

/** A key for a JSON-RPC id: the same for the same string however it is escaped, and distinct for 1 and "1". */
export function idKey(bytes: Buffer, span: Span): string {
  const text = readString(bytes, span)
  return text === undefined ? bytes.toString('latin1', span.start, span.end) : `"${text}`
}
