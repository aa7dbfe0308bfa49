import type { Fault } from '../fault.ts'
import type { ConfigNode } from './config-node.ts'

/** What a parser made of a text; no root when it is empty or not in its format. */
export interface ParsedText {
  readonly root: ConfigNode | undefined
  readonly faults: readonly Fault[]
}

/** The first syntax error of each line: the others on it are mostly its consequences. In the order of the text. */
export function keepFirstOfLines(
  text: string,
  faults: readonly (Fault & { readonly at: number })[],
): Fault[] {
  const kept: Fault[] = []
  let lineEnd = -1
  for (const fault of faults) {
    if (fault.at <= lineEnd) continue
    const found = text.indexOf('\n', fault.at)
    lineEnd = found < 0 ? Number.POSITIVE_INFINITY : found
    kept.push(fault)
  }
  return kept
}
