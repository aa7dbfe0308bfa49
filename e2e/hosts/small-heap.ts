/**
 * Environment of an app whose memory is measured. In a large heap garbage may lie for minutes, which would look like a
 * leak; in this one it cannot.
 */
export const smallHeap = { NODE_OPTIONS: '--max-old-space-size=40 --max-semi-space-size=1' }
