import { removeEscapeSequences, replaceControls } from '#base/plain-text.ts'

/** Longest line that is kept, in bytes. */
const maxLineBytes = 64 * 1024
// A secret that begins before the cut has to be seen whole, or nobody would know it for one.
const beyondBytes = 16 * 1024

/** How much of a line who reads it should hand on, in bytes: more than is kept. */
export const readLineBytes = maxLineBytes + beyondBytes

/**
 * What a server printed as text that is safe to write as one line and to show in a terminal: as `redact` leaves it, cut
 * at 64 KiB.
 */
export function toOutputText(line: Buffer, redact: (text: string) => string): string {
  const whole = replaceControls(removeEscapeSequences(line.toString('utf8', 0, readLineBytes)), '\ufffd')
  const bytes = Buffer.from(redact(whole))
  // Half a secret may stand where the reader has cut, wherever that is once others before it are masked.
  const least = line.length >= readLineBytes ? beyondBytes : 0
  const excess = Math.max(Buffer.byteLength(whole) - maxLineBytes, least)
  if (excess <= 0 && bytes.length <= maxLineBytes) return bytes.toString()
  const kept = bytes.subarray(0, Math.max(0, Math.min(maxLineBytes, bytes.length - Math.max(0, excess))))
  // The cut may have gone through a character.
  return `${kept.toString().replace(/\ufffd$/, '')}…`
}
