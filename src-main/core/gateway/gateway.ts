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
  /** Goes over to other settings of HTTP. When that cannot be, the log tells, and all stays as it was. */
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

class OpenGateway implements Gateway {
  readonly #parts: GatewayParts
  readonly #startedAt = new Date().toISOString()
  #told = Promise.resolve()
  #isClosed = false
  #endWatch: () => void = () => undefined

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
        await this.tell()
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
      if (this.url === before) return
      await this.tell()
      logger.info('Patchbay is reached at another address over HTTP.', { url: this.url })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      logger.error('HTTP goes on as it was.', { url: before, error: message })
    }
  }

  async close(): Promise<void> {
    const { host, socketEndpoint, httpEndpoint } = this.#parts
    this.#isClosed = true
    this.#endWatch()
    await this.#told
    await removeRendezvous(host.dataFolder, process.pid)
    await Promise.all([httpEndpoint?.close(), socketEndpoint.close()])
  }
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
