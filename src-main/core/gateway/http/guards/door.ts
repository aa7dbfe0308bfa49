import { isIPv6 } from 'node:net'
import type { GatewaySettings } from '../../../config/config.ts'
import { isLoopback, withoutBrackets } from '../../../config/loopback.ts'

/** Which names we go by, and whose pages may ask us. */
export interface Door {
  /** Values of the Host header, in lower case. */
  readonly hosts: ReadonlySet<string>
  /** Values of the Origin header, in lower case. */
  readonly origins: ReadonlySet<string>
  /** Schemes of extensions, such as `chrome-extension:`, that any origin may have. */
  readonly schemes: ReadonlySet<string>
  readonly auth: GatewaySettings['auth']
}

/** What a door is made of. */
type DoorSettings = Pick<GatewaySettings, 'host' | 'auth' | 'allowedHosts' | 'allowedOrigins'>

/** The door of a listener on this port. */
export function createDoor(settings: DoorSettings, port: number): Door {
  const { host, auth, allowedHosts, allowedOrigins } = settings
  const own = ['localhost', '127.0.0.1', '[::1]', ...(isUnspecified(host) ? [] : [toHeaderHost(host)])]
  const named = [...own, ...allowedHosts].map((one) => one.toLowerCase())
  const hosts = named.flatMap((one) => (hasPort(one) ? [one] : [one, `${one}:${port}`]))
  // Our own pages. Browsers leave the usual port out.
  const ownOrigins = named.flatMap((one) => {
    if (hasPort(one)) return [`http://${one}`]
    return port === 80 ? [`http://${one}`, `http://${one}:80`] : [`http://${one}:${port}`]
  })
  const extensions = allowedOrigins.filter((origin) => /^(?!https?:)[a-z][a-z\d+.-]*:\/\/\*$/i.test(origin))
  return {
    hosts: new Set(hosts),
    origins: new Set([...ownOrigins, ...allowedOrigins.map((origin) => origin.toLowerCase())]),
    schemes: new Set(extensions.map((origin) => origin.slice(0, -3).toLowerCase())),
    auth,
  }
}

/** Whether a request with this Host header is meant for us, and not for a name that somebody made lead to us. */
export function isOurHost({ hosts }: Door, host: string): boolean {
  return hosts.has(host.toLowerCase())
}

/** Whether pages of this origin may ask us. */
export function isOurOrigin({ origins, schemes }: Door, origin: string): boolean {
  const text = origin.toLowerCase()
  // What pages in sandboxes and files send: anybody.
  if (text === 'null' || text.endsWith('/*')) return false
  if (origins.has(text)) return true
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:)\/\/(.+)$/.exec(text) ?? []
  return schemes.has(scheme) && /^[\w.-]+$/.test(rest)
}

/** Whether a setting lets anybody in from other computers. */
export function isOpenToAll({ host, auth }: Pick<GatewaySettings, 'host' | 'auth'>): boolean {
  return auth === 'none' && !isLoopback(host)
}

/** Whether a host is all addresses of this computer: no name that a client would use. */
export function isUnspecified(host: string): boolean {
  return ['0.0.0.0', '::', '[::]'].includes(host)
}

/** An address as the Host header and URLs have it. */
function toHeaderHost(host: string): string {
  const bare = withoutBrackets(host)
  return isIPv6(bare) ? `[${bare}]` : bare
}

/** The address to listen on for a host that is configured: one alone, also where a name has several. */
export function toListenAddress(host: string): string {
  return host.toLowerCase() === 'localhost' ? '127.0.0.1' : withoutBrackets(host)
}

/** The address that clients on this computer use. */
export function toUrl(host: string, port: number): string {
  const bare = withoutBrackets(host)
  const near = bare === '0.0.0.0' ? '127.0.0.1' : bare === '::' ? '::1' : toListenAddress(bare)
  return `http://${toHeaderHost(near)}:${port}`
}

function hasPort(host: string): boolean {
  return /:\d+$/.test(host.replace(/^\[.*\]/, ''))
}
