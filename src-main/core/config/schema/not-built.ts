import type { TransportType } from './server-schema.ts'

/**
 * What the configuration format knows and this version cannot do yet. A value that restates the default asks for
 * nothing and is accepted. When something gets built, its row goes.
 */
interface NotBuilt {
  /** The key, with `*` for the name of a server. */
  readonly key: string
  readonly sentence: string
}

const rows: readonly NotBuilt[] = [
  {
    key: 'servers.*.tools.newToolsEnabled',
    sentence: 'Holding back new tools is not built yet; leave this at true.',
  },
  {
    key: 'servers.*.fallbacks',
    sentence: 'Fallbacks to other transports are not built yet; leave this out.',
  },
  {
    key: 'servers.*.endpoints',
    sentence: 'Several endpoints of one server are not built yet; leave this out.',
  },
  { key: 'servers.*.balance', sentence: 'Balancing over endpoints is not built yet; leave this out.' },
  { key: 'servers.*.oauth', sentence: 'Signing in to servers is not built yet; leave this out.' },
  { key: 'profiles', sentence: 'Profiles are not built yet; leave this out.' },
]

const transports: ReadonlyMap<TransportType, string> = new Map([
  ['websocket', 'Servers behind a WebSocket are not built yet; expected one with a command or of type http.'],
  ['tcp', 'Servers behind a TCP port are not built yet; expected one with a command or of type http.'],
  ['socket', 'Servers behind a local socket are not built yet; expected one with a command or of type http.'],
])

/** Why `${secret:NAME}` is refused. */
export const secretsNotBuilt =
  'Secrets are not built yet; expected an environment variable, such as ${NAME}, in place of ${secret:…}.'

/** The row of a key, unless it is built. */
export function findNotBuilt(key: string): NotBuilt | undefined {
  return rows.find((row) => row.key === key)
}

/** Why servers of this transport are refused, unless it is built. */
export function findTransportNotBuilt(type: TransportType): string | undefined {
  return transports.get(type)
}
