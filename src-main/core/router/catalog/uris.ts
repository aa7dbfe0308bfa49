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

const longestUri = 8192

/**
 * The texts that the expressions of a template (RFC 6570) stand for in a URI, in order, or undefined when the URI
 * cannot come from it. Templates are text from servers: no pattern of theirs is run, and no place is tried twice.
 */
export function matchTemplate(template: string, uri: string): string[] | undefined {
  if (uri.length > longestUri) return undefined
  return matchPieces(splitTemplate(template), 0, { uri, at: 0, failed: new Set() })
}

interface Place {
  readonly uri: string
  readonly at: number
  /** Pairs of piece and position that lead nowhere. */
  readonly failed: Set<string>
}

function matchPieces(pieces: readonly Piece[], index: number, place: Place): string[] | undefined {
  const piece = pieces[index]
  const { uri, at, failed } = place
  if (piece === undefined) return at === uri.length ? [] : undefined
  if (!piece.isExpression) {
    if (!uri.startsWith(piece.text, at)) return undefined
    return matchPieces(pieces, index + 1, { ...place, at: at + piece.text.length })
  }
  const key = `${index} ${at}`
  if (failed.has(key)) return undefined
  for (const end of findEnds(pieces, index, place)) {
    const rest = matchPieces(pieces, index + 1, { ...place, at: end })
    if (rest !== undefined) return [uri.slice(at, end), ...rest]
  }
  failed.add(key)
  return undefined
}

/** Where the text of an expression may end: before each place of the literal after it, or at the end of the URI. */
function* findEnds(pieces: readonly Piece[], index: number, { uri, at }: Place): Iterable<number> {
  const slash = canHoldSlash(pieces[index]?.text ?? '') ? -1 : uri.indexOf('/', at)
  const limit = slash === -1 ? uri.length : slash
  const next = pieces[index + 1]
  if (next === undefined) yield limit
  // Of expressions side by side nothing tells where one ends: the first takes nothing.
  else if (next.isExpression) yield at
  else {
    for (
      let end = uri.indexOf(next.text, at);
      end !== -1 && end <= limit;
      end = uri.indexOf(next.text, end + 1)
    )
      yield end
  }
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
