import type { Span } from './json-head.ts'

/** Bytes to stand in place of a stretch of a line. */
export interface Replacement {
  readonly span: Span
  readonly bytes: Buffer
}

/** A line as the pieces that make it up, in order: joined only when written. */
export type Parts = readonly Buffer[]

/** The line with the replacements put in; everything else goes out as it came in. Replacements must not overlap. */
export function splice(line: Buffer, replacements: readonly Replacement[]): Parts {
  const parts: Buffer[] = []
  let from = 0
  const inOrder =
    replacements.length < 2 ? replacements : replacements.toSorted((a, b) => a.span.start - b.span.start)
  for (const { span, bytes } of inOrder) {
    parts.push(line.subarray(from, span.start), bytes)
    from = span.end
  }
  parts.push(line.subarray(from))
  return parts
}
