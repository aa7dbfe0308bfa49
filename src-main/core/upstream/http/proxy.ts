/** The proxy that the environment names cannot be used. The message completes "… because". */
export class ProxyUnusable extends Error {
  override readonly name = 'ProxyUnusable'
}

/** Something went wrong on the way through a proxy; `cause` is what. */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'

  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

/** The variables of an environment. */
export type Environment = Readonly<Record<string, string | undefined>>

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }
/** Nobody means this computer when they name a proxy. */
const ownHosts = ['localhost', '127.0.0.1', '[::1]']

/**
 * The proxy for an address by the usual variables; nothing where it is reached directly. Throws ProxyUnusable, but only
 * where the proxy would be needed.
 */
export function findProxy(url: URL, env: Environment): string | undefined {
  const read = (name: string): string => (env[name] ?? env[name.toUpperCase()] ?? '').trim()
  const proxy = read(`${url.protocol.slice(0, -1)}_proxy`) || read('all_proxy')
  if (proxy === '' || isDirect(url, [...read('no_proxy').split(/[\s,]+/), ...ownHosts])) return undefined
  return toProxyAddress(proxy)
}

/** Whether a host is one of those, or within one of those domains, that are reached without a proxy. */
function isDirect({ hostname, port, protocol }: URL, direct: readonly string[]): boolean {
  return direct.some((entry) => {
    if (entry === '*') return true
    const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    const host = name.replace(/^\*?\./, '')
    if (host === '' || (only !== undefined && only !== (port || defaultPorts[protocol]))) return false
    return hostname === host || hostname.endsWith(`.${host}`)
  })
}

/** A proxy as an address; most programs take one without a scheme as well. */
function toProxyAddress(text: string): string {
  const address = text.includes('://') ? text : `http://${text}`
  if (/^https?:/i.test(address) && URL.canParse(address)) return address
  // Not quoted: it may hold a password.
  throw new ProxyUnusable(
    'the proxy that the environment names is no address that begins with http:// or https://',
  )
}
