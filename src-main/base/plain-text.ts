// Bounded, so that no text makes it slow.
// eslint-disable-next-line no-control-regex
const escapeSequences = /\u001b\[[0-?]{0,64}[ -/]{0,8}[@-~]/g
const controls = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const longestQuotation = 4096
const longQuotation = /“([^”]{200})[^”]+”/g

/**
 * A text of somebody else in quotation marks, on one line. Whoever shows it takes secrets out of it and makes it shorter
 * then: half of a secret would not be known any more.
 */
export function toQuotation(text: string): string {
  const plain = text.slice(0, longestQuotation).replaceAll(/[“”]/g, '"')
  return `“${replaceControls(plain, ' ').trim()}”`
}

/** A text whose quotations are at most 200 characters long each. */
export function shortenQuotations(text: string): string {
  return text.replace(longQuotation, '“$1…”')
}

/** A text without the sequences by which it would change a terminal's colours, and more. */
export function removeEscapeSequences(text: string): string {
  return text.replace(escapeSequences, '')
}

/**
 * A text with something else in place of whatever could end its line, move a cursor, or show it in another order than it
 * has: control characters but for the tab, invisible ones, halves of characters.
 */
export function replaceControls(text: string, replacement: string): string {
  return text.replace(controls, replacement)
}
