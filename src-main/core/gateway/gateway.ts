import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Config, GatewaySettings } from '../config/config.ts'
import type { Host } from '../host.ts'
import type { Logger } from '../observe/logger.ts'
import type { Router } from '../router/router.ts'
import { AccessToken, readAccessToken } from './access-token.ts'
import { HttpEndpoint } from './http/http-endpoint.ts'
import { removeRendezvous, writeRendezvous } from './rendezvous-file.ts'
import { openSocketEndpoint, type SocketEndpoint } from './socket-endpoint.ts'
import { toSocketPath } from './socket-path.ts'
import { watchAccessToken } from './watch-token.ts'
import { WrongTokens } from './wrong-tokens.ts'

/** What the gateway needs. */
export interface GatewayOptions {
  readonly host: Host
  /** The file of the configuration that runs. */
  readonly configFile?: string
  /** Whether to be reached over HTTP too. */
  readonly isHttp: boolean
  /** What the configuration says of HTTP. */
  readonly settings: GatewaySettings
  /** What holds in its place, now and after changes. */
  readonly overrides?: Partial<GatewaySettings>
  /** What holds for what comes after a change. */
  readonly limits: Config['limits']
  readonly router: Router
  readonly logger: Logger
}

/** Where clients reach the app: the local socket and HTTP, which the rendezvous tells of. */
export interface Gateway {
  /** Path of the local socket. */
  readonly socket: string
  /** Address of HTTP; null without it. */
  readonly url: string | null
  /** Goes over to other settings of HTTP. When the address cannot be had, the log tells, and the rest holds all the same. */
  apply(settings: GatewaySettings): Promise<void>
  /** Takes the rendezvous away, then ends clients, HTTP and socket. */
  close(): Promise<void>
}

/**
 * Opens the local socket and HTTP, and tells where they are. Rejects with SocketTaken, PortTaken or AddressUnusable;
 * then, and with any other error, nothing stays open.
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { host, isHttp, settings, overrides, limits, router, logger } = options
  const { dataFolder, platform } = host
  const token = new AccessToken(await readAccessToken(dataFolder))
  const wrongTokens = new WrongTokens(logger)
  const socket = findSocketPath(host)
  const shared = { token, wrongTokens, limits, router, logger }
  const socketEndpoint = await openSocketEndpoint({ ...shared, socket, platform })
  const httpEndpoint = isHttp
    ? new HttpEndpoint({ ...shared, gateway: { ...settings, ...overrides } })
    : undefined
  const gateway = new OpenGateway({ ...options, socket, token, socketEndpoint, httpEndpoint })
  try {
    await httpEndpoint?.open()
    await gateway.tell()
  } catch (error) {
    await gateway.close()
    throw error
  }
  gateway.watchToken()
  return gateway
}

/** The parts of an open gateway. */
interface GatewayParts extends GatewayOptions {
  readonly socket: string
  readonly token: AccessToken
  readonly socketEndpoint: SocketEndpoint
  readonly httpEndpoint: HttpEndpoint | undefined
}

/** From one try to write the rendezvous to the next, in milliseconds. */
const retryMs = 5000

class OpenGateway implements Gateway {
  readonly #parts: GatewayParts
  readonly #startedAt = new Date().toISOString()
  #told = Promise.resolve()
  #isClosed = false
  #endWatch: () => void = () => undefined
  #retry: NodeJS.Timeout | undefined

  constructor(parts: GatewayParts) {
    this.#parts = parts
  }

  get socket(): string {
    return this.#parts.socket
  }

  get url(): string | null {
    return this.#parts.httpEndpoint?.url ?? null
  }

  /** Writes the rendezvous, as all is now. */
  async tell(): Promise<void> {
    const { host, configFile, socket, token } = this.#parts
    const told = this.#told.then(async () => {
      if (this.#isClosed) return
      await writeRendezvous(host.dataFolder, {
        version: 1,
        pid: process.pid,
        startedAt: this.#startedAt,
        appVersion: host.appVersion,
        socket,
        url: this.url,
        token: token.value,
        ...(configFile === undefined ? {} : { config: configFile }),
      })
    })
    // One that fails must not keep the next from being written.
    this.#told = told.catch(() => undefined)
    await told
  }

  watchToken(): void {
    const { host, token, logger, socketEndpoint, httpEndpoint } = this.#parts
    this.#endWatch = watchAccessToken({
      dataFolder: host.dataFolder,
      token,
      logger,
      onRenewed: async () => {
        // First where the new one is to be read: whoever is cut off comes back at once.
        await this.#tellNowOrLater()
        socketEndpoint.endClients()
        httpEndpoint?.endSessionsWithToken()
      },
    })
  }

  async apply(settings: GatewaySettings): Promise<void> {
    const { httpEndpoint, overrides, logger } = this.#parts
    if (httpEndpoint === undefined || this.#isClosed) return
    const before = this.url
    try {
      await httpEndpoint.apply({ ...settings, ...overrides })
    } catch (error) {
      const { url } = this
      const effect = url === null ? 'HTTP is closed' : 'HTTP goes on at the address that it had'
      logger.error(`${effect}: the configured one cannot be had.`, { url, error: toText(error) })
    }
    if (this.url === before) return
    await this.#tellNowOrLater()
    if (this.url !== null) {
      logger.info('Patchbay is reached at another address over HTTP.', { url: this.url })
    }
  }

  async close(): Promise<void> {
    const { host, socketEndpoint, httpEndpoint } = this.#parts
    this.#isClosed = true
    this.#endWatch()
    clearTimeout(this.#retry)
    await this.#told
    await removeRendezvous(host.dataFolder, process.pid)
    await Promise.all([httpEndpoint?.close(), socketEndpoint.close()])
  }

  /** Writes the rendezvous. While that cannot be, all that depends on it goes on, and it is tried again. */
  async #tellNowOrLater(): Promise<void> {
    const { host, logger } = this.#parts
    clearTimeout(this.#retry)
    try {
      await this.tell()
    } catch (error) {
      logger.error('The rendezvous cannot be written: clients do not find Patchbay. It is tried again.', {
        folder: host.dataFolder,
        error: toText(error),
      })
      if (this.#isClosed) return
      this.#retry = setTimeout(() => void this.#tellNowOrLater(), retryMs)
      this.#retry.unref()
    }
  }
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function findSocketPath({ dataFolder, platform, env }: Host): string {
  return toSocketPath({
    dataFolder,
    platform,
    env,
    user: String(process.getuid?.() ?? env['USERNAME'] ?? ''),
    tempFolder: tmpdir(),
    isFolder: (folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false,
  })
}
