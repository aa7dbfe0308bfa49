/** Longest line that is kept, in bytes. */
const maxLineBytes = 64 * 1024
// A secret that begins before the cut has to be seen whole, or nobody would know it for one.
const beyondBytes = 16 * 1024

/** How much of a line who reads it should hand on, in bytes: more than is kept. */
export const readLineBytes = maxLineBytes + beyondBytes

// Colours, and what else a terminal would act on. Bounded, so that no text makes it slow.
// eslint-disable-next-line no-control-regex
const escapeSequences = /\u001b\[[0-?]{0,64}[ -/]{0,8}[@-~]/g
// Invisible ones too: they show a text in another order than it has.
const controls = /(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu

/**
 * What a server printed as text that is safe to write as one line and to show in a terminal: as `redact` leaves it, cut
 * at 64 KiB.
 */
export function toOutputText(line: Buffer, redact: (text: string) => string): string {
  const whole = line
    .toString('utf8', 0, readLineBytes)
    .replace(escapeSequences, '')
    .replace(controls, '\ufffd')
  const bytes = Buffer.from(redact(whole))
  // Half a secret may stand where the reader has cut, wherever that is once others before it are masked.
  const least = line.length >= readLineBytes ? beyondBytes : 0
  const excess = Math.max(Buffer.byteLength(whole) - maxLineBytes, least)
  if (excess <= 0 && bytes.length <= maxLineBytes) return bytes.toString()
  const kept = bytes.subarray(0, Math.max(0, Math.min(maxLineBytes, bytes.length - Math.max(0, excess))))
  // The cut may have gone through a character.
  return `${kept.toString().replace(/\ufffd$/, '')}…`
}
