// Bounded, so that no text makes it slow.
// eslint-disable-next-line no-control-regex
const escapeSequences = /\u001b\[[0-?]{0,64}[ -/]{0,8}[@-~]/g
const controls = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

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
