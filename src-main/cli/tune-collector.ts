import v8 from 'node:v8'

/** V8's releases whose flag this is; others would complain about it on stderr. */
const knownReleases = /^13\.6\./

/**
 * Counts memory outside of V8's heap, where messages lie, towards the limit that the heap has, which grows with use.
 * Otherwise everything is gone through again after every few dozen MB of messages: with messages of 1 MB that took half
 * of our time. Returns whether it does; `release` is V8's version.
 */
export function tuneCollector(release = process.versions.v8): boolean {
  if (!knownReleases.test(release)) return false
  v8.setFlagsFromString('--external-memory-accounted-in-global-limit')
  return true
}
