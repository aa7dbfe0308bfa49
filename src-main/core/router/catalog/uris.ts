// Resource URIs stay as their servers wrote them. Only a URI that an earlier server has too gets an alias.

/** The alias of a server's URI, for when an earlier server in the configuration has the same one. */
export function toAlias(server: string, uri: string): string {
  return `patchbay://${server}/${encodeURIComponent(uri)}`
}

/** The alias of a URI template: what is literal in it is encoded, its expressions stay. */
export function toTemplateAlias(server: string, template: string): string {
  const pieces = splitTemplate(template).map((piece) =>
    piece.isExpression ? piece.text : encodeURIComponent(piece.text),
  )
  return `patchbay://${server}/${pieces.join('')}`
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

/** Whether an expression may stand for a text: only those of RFC 6570 with `+`, `#` or `/` may hold a slash. */
function canHold(expression: string, text: string): boolean {
  return /^\{[+#/]/.test(expression) || /^\{[?&;]/.test(expression) || !text.includes('/')
}

/**
 * The texts that the expressions of a template (RFC 6570) stand for in a URI, in order, or undefined when the URI
 * cannot come from it. Linear in the URI's length: templates are text from servers, and no pattern of theirs is run.
 */
export function matchTemplate(template: string, uri: string): string[] | undefined {
  const pieces = splitTemplate(template)
  const values: string[] = []
  let at = 0
  for (const [index, piece] of pieces.entries()) {
    if (!piece.isExpression) {
      if (!uri.startsWith(piece.text, at)) return undefined
      at += piece.text.length
      continue
    }
    const next = pieces[index + 1]
    const end =
      next === undefined ? uri.length : next.isExpression ? at : findLiteral(pieces, index + 1, uri, at)
    if (end === -1) return undefined
    const value = uri.slice(at, end)
    if (!canHold(piece.text, value)) return undefined
    values.push(value)
    at = end
  }
  return at === uri.length ? values : undefined
}

/** Where the literal after an expression stands: at the very end when it is the last piece. */
function findLiteral(pieces: readonly Piece[], index: number, uri: string, from: number): number {
  const text = pieces[index]?.text ?? ''
  if (index < pieces.length - 1) return uri.indexOf(text, from)
  const end = uri.length - text.length
  return end >= from && uri.endsWith(text) ? end : -1
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
