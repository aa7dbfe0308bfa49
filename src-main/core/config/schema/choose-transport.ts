import type { Fault } from '../fault.ts'
import { findNearWord } from './near-word.ts'
import { transportTypes, type TransportType } from './server-schema.ts'
import type { MapNode, Path } from '../syntax/config-node.ts'

/** Which transport a group of keys describes, or why that cannot be told. */
type TransportChoice =
  | { readonly ok: true; readonly type: TransportType; readonly reason: string; readonly key: string }
  | { readonly ok: false; readonly fault: Fault | undefined }

/** By `type`; without it stdio when there is a command, http when there is an address. */
export function chooseTransport(node: MapNode, path: Path): TransportChoice {
  if (node.entries.has('type')) return chooseByType(node, [...path, 'type'])
  const has = (key: string): boolean => node.entries.has(key)
  if (has('command')) return { ok: true, key: 'command', type: 'stdio', reason: 'it has a command' }
  if (has('url')) return { ok: true, key: 'url', type: 'http', reason: 'it has a url' }
  const meant = Array.from(node.entries.keys(), (name) => findNearWord(name, ['command', 'url']))
  // A misspelt key is reported as that; the rest is judged as it was meant.
  if (meant.includes('command')) return { ok: true, key: 'command', type: 'stdio', reason: 'it has no url' }
  if (meant.includes('url')) return { ok: true, key: 'url', type: 'http', reason: 'it has no command' }
  if (has('endpoints')) return { ok: true, key: 'endpoints', type: 'http', reason: 'it has endpoints' }
  const message =
    'This has neither a command nor a url; expected a command (a program to run), a url (an address), or a type.'
  return { ok: false, fault: { code: 'missing-key', path, message } }
}

function chooseByType(node: MapNode, path: Path): TransportChoice {
  const given = node.entries.get('type')?.value
  if (given?.kind === 'scalar' && given.origin === 'unknown') return { ok: false, fault: undefined }
  const word = given?.kind === 'scalar' ? given.value : undefined
  const type = transportTypes.find((candidate) => candidate === word)
  if (type !== undefined) return { ok: true, key: 'type', type, reason: 'its type says so' }
  // A word that came from the environment is not repeated, not even by what is like it.
  const isOurs = given?.kind === 'scalar' && given.origin === 'file' && typeof word === 'string'
  const near = isOurs ? findNearWord(word, transportTypes) : undefined
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  const message = `Expected one of ${transportTypes.join(', ')}${hint === '' ? '.' : hint}`
  return { ok: false, fault: { code: 'invalid-value', path, message } }
}
