/** Longest line that is kept, in bytes. */
export const maxLineBytes = 64 * 1024

// Colours, and what else a terminal would act on. Bounded, so that no text makes it slow.
// eslint-disable-next-line no-control-regex
const escapeSequences = /\u001b\[[0-?]{0,64}[ -/]{0,8}[@-~]/g
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g

/** What a server printed as text that is safe to write as one line and to show in a terminal; cut where it is too long. */
export function toOutputText(line: Buffer): string {
  // Who read the line has cut it at the same length.
  const isCut = line.length >= maxLineBytes
  const text = line.toString('utf8', 0, maxLineBytes).replace(escapeSequences, '').replace(controls, '\ufffd')
  if (!isCut) return text
  // The cut may have gone through a character.
  return `${text.endsWith('\ufffd') ? text.slice(0, -1) : text}…`
}
