// Resource URIs stay as their servers wrote them. Only a URI that an earlier server has too gets an alias.

/** The alias of a server's URI, for when an earlier server in the configuration has the same one. */
export function toAlias(server: string, uri: string): string {
  return `patchbay://${server}/${encode(uri)}`
}

/** The alias of a URI template: what is literal in it is encoded, its expressions stay. */
export function toTemplateAlias(server: string, template: string): string {
  const pieces = splitTemplate(template).map((piece) =>
    piece.isExpression ? piece.text : encode(piece.text),
  )
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

function splitTemplate(template: string): Piece[] {
  return template
    .split(/(\{[^{}]*\})/)
    .filter((text) => text !== '')
    .map((text) => ({ text, isExpression: text.startsWith('{') && text.endsWith('}') }))
}

// RFC 6570: `{x}` and `{.x}` stand for text without a slash, `{+x}` `{#x}` `{/x}` `{?x}` `{&x}` `{;x}` may hold one.
function canHoldSlash(expression: string): boolean {
  return /^\{[+#/?&;]/.test(expression)
}

const longestUri = 4096
const mostPieces = 128

/** For each position in a URI whether the pieces so far can end there. */
type Reach = readonly boolean[]

/**
 * The texts that the expressions of a template (RFC 6570) stand for in a URI, in order, or undefined when the URI
 * cannot come from it. Templates are text from servers: no pattern of theirs is run; the time is at most the product
 * of both lengths. Where a text may be longer or shorter, earlier expressions get the shorter one.
 */
export function matchTemplate(template: string, uri: string): string[] | undefined {
  const pieces = splitTemplate(template)
  if (uri.length > longestUri || template.length > longestUri || pieces.length > mostPieces) return undefined
  const start: Reach = [true, ...new Array<boolean>(uri.length).fill(false)]
  const reaches = [start]
  for (const piece of pieces) reaches.push(advance(piece, uri, reaches.at(-1) ?? start))
  if (reaches.at(-1)?.[uri.length] !== true) return undefined
  return readValues(pieces, uri, reaches)
}

function advance(piece: Piece, uri: string, before: Reach): Reach {
  const after = before.map(() => false)
  let isOpen = false
  for (let at = 0; at <= uri.length; at++) {
    if (!piece.isExpression) {
      if (before[at] === true && uri.startsWith(piece.text, at)) after[at + piece.text.length] = true
      continue
    }
    if (at > 0 && uri[at - 1] === '/' && !canHoldSlash(piece.text)) isOpen = false
    isOpen ||= before[at] === true
    after[at] = isOpen
  }
  return after
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
    const begin = reaches[index]?.indexOf(true, earliest) ?? end
    values.unshift(uri.slice(begin, end))
    end = begin
  }
  return values
}

/** The URI that a template gives when its expressions stand for these texts. */
export function fillTemplate(template: string, values: readonly string[]): string {
  let next = 0
  return splitTemplate(template)
    .map((piece) => (piece.isExpression ? (values[next++] ?? '') : piece.text))
    .join('')
}

/** How much of a template is literal: of two that match, the one with more is meant. */
export function countLiteral(template: string): number {
  return splitTemplate(template).reduce((sum, piece) => sum + (piece.isExpression ? 0 : piece.text.length), 0)
}
