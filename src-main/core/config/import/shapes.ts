import type { ServerEntry } from './entry.ts'
import type { ForeignFields } from './fields.ts'
import { readZrHealth, readZrRestart } from './zr.ts'
import type { VariableStyle } from './variables.ts'
import { findNode, type ConfigNode, type MapNode, type Path } from '../syntax/config-node.ts'

/** A shape in which programs keep their MCP servers. To know another one, add a row and a fixture. */
export interface ImportShape {
  readonly id: string
  /** For people, after "known are …". */
  readonly title: string
  /** Where its servers are, if a file is of this shape. */
  readonly find: (root: MapNode) => MapNode | undefined
  /** Keys beside the servers that are read or say nothing; where it is given, others are noted as not taken. */
  readonly besides?: readonly string[]
  readonly variables: VariableStyle
  /** What its own keys of a server amount to in an entry of ours. */
  readonly readParts: (server: ForeignFields, name: string, root: MapNode) => ServerEntry
}

/** First match first: what is more particular stands before what is like it. */
export const importShapes: readonly ImportShape[] = [
  {
    id: 'patchbay',
    title: 'a configuration of Patchbay ("version": 1 and "servers")',
    find: (root) => (valueOf(root, ['version']) === 1 ? findMap(root, ['servers']) : undefined),
    besides: ['$schema', 'version'],
    variables: 'own',
    readParts: () => ({}),
  },
  {
    id: 'zr',
    title: 'a proxy\'s "servers" beside "proxy" and "webUi"',
    find: (root) => {
      const servers = findMap(root, ['servers'])
      const isZr = ['proxy', 'webUi', 'webUI', 'contextTracing'].some((key) => root.entries.has(key))
      return servers !== undefined && (isZr || hasZrTransport(servers)) ? servers : undefined
    },
    besides: ['healthCheck', 'healthChecks'],
    // Its documents show ${NAME} and ${NAME:-default} everywhere.
    variables: 'shell',
    readParts: (server, name, root) => ({
      restart: readZrRestart(server),
      health: readZrHealth(server, name, root),
      startDelayMs: server.number('initializationDelayMs'),
    }),
  },
  {
    id: 'mcpServers',
    title: '"mcpServers" (Claude, Cursor, Devin, Windsurf, Cline, Gemini, Copilot CLI, Continue and others)',
    find: (root) => {
      const own =
        findMap(root, ['mcpServers']) ?? findMap(root, ['amp.mcpServers']) ?? findNamed(root, 'mcpServers')
      return own ?? (findNestedServers(root).length > 0 ? createEmptyMap(root) : undefined)
    },
    // Claude Code and Gemini replace ${NAME}, Cursor and Devin ${env:NAME}. Claude Desktop replaces neither, but
    // there such a text can only be meant for one that does.
    variables: 'shell',
    readParts: (server) => {
      server.has('name')
      return { timeouts: readEditorTimeout(server) }
    },
  },
  {
    id: 'context_servers',
    title: '"context_servers" (Zed)',
    find: (root) => findMap(root, ['context_servers']),
    // Zed hands texts to the program as they are.
    variables: 'none',
    readParts: (server) => {
      // Where the entry came from: nothing to us.
      server.text('source')
      return {}
    },
  },
  {
    id: 'mcp_servers',
    title: '"[mcp_servers.…]" (Codex) or "[[mcp_servers]]" (Vibe)',
    find: (root) => findMap(root, ['mcp_servers']) ?? findNamed(root, 'mcp_servers'),
    // Codex hands texts to the program as they are; it has keys for variables.
    variables: 'none',
    readParts: (server) => {
      // Every variable of ours is passed on anyway.
      server.texts('env_vars')
      server.has('name')
      return {
        timeouts: {
          connectSeconds:
            server.number('startup_timeout_sec') ?? toSeconds(server.number('startup_timeout_ms')),
          requestSeconds: server.number('tool_timeout_sec'),
        },
      }
    },
  },
  {
    id: 'settings',
    title: '"mcp.servers" (settings of VS Code)',
    find: (root) => findMap(root, ['mcp', 'servers']) ?? findMap(root, ['mcp.servers']),
    variables: 'editor',
    readParts: () => ({}),
  },
  {
    id: 'mcp',
    title: '"mcp" (OpenCode, Crush)',
    find: (root) => findServers(root, ['mcp']),
    // OpenCode replaces {env:NAME} and {file:path}, nothing else.
    variables: 'braces',
    readParts: () => ({}),
  },
  {
    id: 'servers',
    title: '"servers" (VS Code, Visual Studio, Copilot)',
    find: (root) => findMap(root, ['servers']),
    // VS Code leaves ${NAME} as it is: its variables are ${env:NAME}, ${input:id} and those of the folder.
    variables: 'editor',
    readParts: (server) => {
      server.group('dev')
      return {}
    },
  },
  {
    id: 'extensions',
    title: '"extensions" (Goose)',
    find: (root) => findServers(root, ['extensions']),
    // Goose hands texts to the program as they are.
    variables: 'none',
    readParts: (server) => {
      for (const key of ['name', 'description', 'bundled', 'display_name']) server.has(key)
      return { timeouts: { requestSeconds: server.number('timeout') } }
    },
  },
  {
    id: 'bare',
    title: 'the servers alone ({ "name": { "command": … } })',
    find: (root) => findServers(root, []),
    // What documents print, mostly for mcpServers.
    variables: 'shell',
    readParts: (server) => ({ timeouts: readEditorTimeout(server) }),
  },
]

/** Servers of single projects (`projects.<folder>.mcpServers`), which belong to those alone. */
export function findNestedServers(root: MapNode): { path: Path; at: number }[] {
  const projects = findMap(root, ['projects'])
  return Array.from(projects?.entries ?? []).flatMap(([project, { value }]) => {
    const servers = value.kind === 'map' ? findMap(value, ['mcpServers']) : undefined
    return Array.from(servers?.entries ?? [], ([name, { keyAt }]) => {
      return { path: ['projects', project, 'mcpServers', name], at: keyAt }
    })
  })
}

function createEmptyMap({ at }: MapNode): MapNode {
  return { kind: 'map', at, entries: new Map() }
}

function findMap(root: MapNode, path: Path): MapNode | undefined {
  const node = findNode(root, path)
  return node?.kind === 'map' ? node : undefined
}

function valueOf(root: MapNode, path: Path): unknown {
  const node = findNode(root, path)
  return node?.kind === 'scalar' ? node.value : undefined
}

/** A map that is one of servers by what is in it, not by its key. */
function findServers(root: MapNode, path: Path): MapNode | undefined {
  const map = findMap(root, path)
  if (map === undefined) return undefined
  const values = Array.from(map.entries.values(), ({ value }) => value)
  return values.every(({ kind }) => kind === 'map') && values.some(isServer) ? map : undefined
}

/** A list of servers that have their names in them, as a map. */
function findNamed(root: MapNode, key: string): MapNode | undefined {
  const list = findNode(root, [key])
  if (list?.kind !== 'list' || !list.items.some(isServer)) return undefined
  const entries: MapNode['entries'] = new Map()
  for (const [index, value] of list.items.entries()) {
    const named = findNode(value, ['name'])
    const name = named?.kind === 'scalar' ? String(named.value) : 'server'
    entries.set(entries.has(name) ? `${name} ${index + 1}` : name, { keyAt: value.at, value })
  }
  return { kind: 'map', at: list.at, entries }
}

function isServer(node: ConfigNode): boolean {
  const keys = ['command', 'cmd', 'url', 'serverUrl', 'httpUrl', 'uri']
  return node.kind === 'map' && keys.some((key) => node.entries.has(key))
}

function hasZrTransport(servers: MapNode): boolean {
  return Array.from(servers.entries.values()).some(({ value }) => {
    const type = findNode(value, ['transport', 'type'])
    return value.kind === 'map' && value.entries.has('command') && type !== undefined
  })
}

/**
 * Cline and Gemini both have `timeout`, in seconds and in milliseconds; others have it too. It is taken only where
 * other keys tell whose it is.
 */
function readEditorTimeout(server: ForeignFields): ServerEntry | undefined {
  const isCline = server.kindOf('transport') === 'map'
  const isGemini = ['httpUrl', 'trust', 'includeTools', 'excludeTools'].some(
    (key) => server.kindOf(key) !== undefined,
  )
  if (isCline === isGemini) return undefined
  const timeout = server.number('timeout')
  return { requestSeconds: isCline ? timeout : toSeconds(timeout) }
}

function toSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000
}
