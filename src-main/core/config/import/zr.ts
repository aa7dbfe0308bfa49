import type { ServerEntry } from './entry.ts'
import { ForeignFields } from './fields.ts'
import { findNode, type MapNode, type Path } from '../syntax/config-node.ts'

/** Restarts in the words of that proxy: its numbers hold for ours. */
export function readZrRestart(server: ForeignFields): ServerEntry {
  return {
    enabled: server.flag('restartOnFailure'),
    max: server.number('maxRestarts'),
    delayMs: server.number('restartDelayMs'),
  }
}

/**
 * Health checks of one server: its own `healthCheck`, what is missing there from the one of the whole file, which
 * alone can also switch all of them off; or `healthChecks.<name>`, which its documents show.
 */
export function readZrHealth(server: ForeignFields, name: string, root: MapNode): ServerEntry {
  const own = server.group('healthCheck')
  const all = findFields(root, ['healthCheck'])
  const shown = findFields(root, ['healthChecks', name])
  if (all?.flag('enabled') === false) return { enabled: false }
  const given = [all, shown, own]
    .filter((group) => group !== undefined)
    .flatMap((group) => Object.entries(readHealth(group)).filter(([, value]) => value !== undefined))
  return Object.fromEntries(given)
}

function readHealth(group: ForeignFields): ServerEntry {
  const timeoutMs = group.number('timeoutMs')
  return {
    enabled: group.flag('enabled'),
    intervalSeconds: group.number('intervalSeconds'),
    timeoutSeconds:
      group.number('timeoutSeconds') ?? (timeoutMs === undefined ? undefined : timeoutMs / 1000),
    attempts: group.number('maxAttempts'),
    retryIntervalSeconds: group.number('retryIntervalSeconds'),
    threshold: group.number('threshold'),
  }
}

function findFields(root: MapNode, path: Path): ForeignFields | undefined {
  const node = findNode(root, path)
  return node?.kind === 'map' ? new ForeignFields(node, '') : undefined
}
