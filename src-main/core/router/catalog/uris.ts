// Resource URIs stay as their servers wrote them. Only a URI that an earlier server has too gets an alias.

/** The alias of a server's URI, for when an earlier server in the configuration has the same one. */
export function toAlias(server: string, uri: string): string {
  return `patchbay://${server}/${encode(uri)}`
}

/** The alias of a URI template: what is literal in it is encoded, its expressions stay. */
export function toTemplateAlias(server: string, template: string): string {
  const pieces = splitTemplate(template).map(({ text, isExpression }) => (isExpression ? text : encode(text)))
  return `patchbay://${server}/${pieces.join('')}`
}

/** Percent-encodes; what is no proper Unicode, which a server may send as an escape, gets a replacement character. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

interface Piece {
  readonly text: string
  readonly isExpression: boolean
}

/** At most `most` parts: literals, which may be empty, and expressions by turns. */
function splitTemplate(template: string, most?: number): Piece[] {
  return template
    .split(/(\{[^{}]*\})/, most)
    .filter((text) => text !== '')
    .map((text) => ({ text, isExpression: text.startsWith('{') && text.endsWith('}') }))
}

// RFC 6570: `{x}` and `{.x}` stand for text without a slash, `{+x}` `{#x}` `{/x}` `{?x}` `{&x}` `{;x}` may hold one.
function canHoldSlash(expression: string): boolean {
  return /^\{[+#/?&;]/.test(expression)
}

const longestUri = 2048
const longestTemplate = 4096
const mostExpressions = 16

/** A URI template (RFC 6570), taken apart once. */
export interface Template {
  readonly pieces: readonly Piece[]
  /** How much of it is literal: of two that match, the one with more is meant. */
  readonly literal: number
  /** What every URI of it begins and ends with. */
  readonly prefix: string
  readonly suffix: string
  /** Whether it is too long or has too many expressions to be looked at: no URI matches it. */
  readonly isTooMuch: boolean
}

const tooMuch: Template = { pieces: [], literal: 0, prefix: '', suffix: '', isTooMuch: true }

/** Takes a URI template apart. */
export function parseTemplate(text: string): Template {
  if (text.length > longestTemplate) return tooMuch
  const pieces = splitTemplate(text, 2 * mostExpressions + 2)
  const literals = pieces.filter(({ isExpression }) => !isExpression)
  if (pieces.length - literals.length > mostExpressions) return tooMuch
  const [first, last] = [pieces[0], pieces.at(-1)]
  return {
    pieces,
    literal: literals.reduce((sum, piece) => sum + piece.text.length, 0),
    prefix: first?.isExpression === false ? first.text : '',
    suffix: last?.isExpression === false ? last.text : '',
    isTooMuch: false,
  }
}

/** How much matching may still cost: what templates and URIs of sane servers never use up. */
export interface Effort {
  left: number
}

/** The effort for the templates of one server. */
export function toEffort(): Effort {
  return { left: 1_000_000 }
}

/** For each position in a URI whether (1) or not (0) the pieces so far can end there. */
type Reach = Uint8Array

// Kept from call to call: a URI may be matched with thousands of templates. Between any two expressions is one literal.
const rows: readonly Reach[] = Array.from(
  { length: 2 * mostExpressions + 2 },
  () => new Uint8Array(longestUri + 1),
)

/**
 * The texts that the expressions of a template (RFC 6570) stand for in a URI, in order, or undefined when the URI
 * cannot come from it. Templates are text from servers: no pattern of theirs is run; the time is at most the product
 * of the URI's length and the template's. Where a text may be longer or shorter, earlier expressions get the shorter one.
 * With no effort left, nothing matches.
 */
export function matchTemplate(template: Template, uri: string, effort: Effort): string[] | undefined {
  const { pieces } = template
  if (effort.left <= 0 || !looksRight(template, uri)) return undefined
  effort.left -= (pieces.length + 1) * (uri.length + 1)
  const reaches = rows.slice(0, pieces.length + 1).map((row) => row.subarray(0, uri.length + 1).fill(0))
  let before = reaches[0]
  if (before === undefined) return undefined
  before[0] = 1
  let from = 0
  for (const [index, piece] of pieces.entries()) {
    const after = reaches[index + 1]
    if (after === undefined) return undefined
    if (piece.isExpression) passExpression(piece.text, uri, { before, after, from })
    else passLiteral(piece.text, uri, { before, after, from })
    from = after.indexOf(1, from)
    if (from === -1) return undefined
    before = after
  }
  return before[uri.length] === 1 ? readValues(pieces, uri, reaches) : undefined
}

/** What can be told cheaply: both ends, and that the literals are there one after the other. */
function looksRight({ pieces, literal, prefix, suffix, isTooMuch }: Template, uri: string): boolean {
  if (isTooMuch || uri.length > longestUri || literal > uri.length) return false
  if (!uri.startsWith(prefix) || !uri.endsWith(suffix)) return false
  let at = 0
  for (const { text, isExpression } of pieces) {
    if (isExpression) continue
    const found = uri.indexOf(text, at)
    if (found === -1) return false
    at = found + text.length
  }
  return true
}

interface Step {
  readonly before: Reach
  readonly after: Reach
  /** Where `before` begins to hold. */
  readonly from: number
}

function passLiteral(text: string, uri: string, { before, after, from }: Step): void {
  const last = uri.length - text.length
  const [head, tail] = [text.charCodeAt(0), text.charCodeAt(text.length - 1)]
  for (let at = from; at <= last; at++) {
    if (before[at] !== 1 || uri.charCodeAt(at) !== head) continue
    const end = at + text.length
    if (uri.charCodeAt(end - 1) === tail && (text.length <= 2 || uri.startsWith(text, at))) after[end] = 1
  }
}

const slash = 0x2f

function passExpression(text: string, uri: string, { before, after, from }: Step): void {
  if (canHoldSlash(text)) {
    after.fill(1, from)
    return
  }
  let isOpen = 0
  for (let at = from; at <= uri.length; at++) {
    if (isOpen === 1 && uri.charCodeAt(at - 1) === slash) isOpen = 0
    if (before[at] === 1) isOpen = 1
    after[at] = isOpen
  }
}

/** Goes back from the end, each expression from the earliest place where it can have begun. */
function readValues(pieces: readonly Piece[], uri: string, reaches: readonly Reach[]): string[] {
  const values: string[] = []
  let end = uri.length
  for (const [index, piece] of [...pieces.entries()].reverse()) {
    if (!piece.isExpression) {
      end -= piece.text.length
      continue
    }
    const earliest = canHoldSlash(piece.text) || end === 0 ? 0 : uri.lastIndexOf('/', end - 1) + 1
    const begin = reaches[index]?.indexOf(1, earliest) ?? end
    values.unshift(uri.slice(begin, end))
    end = begin
  }
  return values
}

/** The URI that a template gives when its expressions stand for these texts. */
export function fillTemplate({ pieces }: Template, values: readonly string[]): string {
  let next = 0
  return pieces.map((piece) => (piece.isExpression ? (values[next++] ?? '') : piece.text)).join('')
}
